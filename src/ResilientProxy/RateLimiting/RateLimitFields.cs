using System.Globalization;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace ResilientProxy.RateLimiting;

/// <summary>The response fields <c>RateLimit-Policy</c> and <c>RateLimit</c> of draft-ietf-httpapi-ratelimit-headers-10.</summary>
internal sealed class RateLimitFields
{
    private const string PolicyField = "RateLimit-Policy";
    private const string LimitField = "RateLimit";

    private readonly string _name;
    private readonly string _policy;

    /// <summary>Prepares a route's fields.</summary>
    /// <param name="route">The route's name, which is the policy's.</param>
    /// <param name="options">The route's limit.</param>
    public RateLimitFields(string route, RateLimiterOptions options)
    {
        _name = Quote(route);

        // The window is a whole number of seconds there, and optional.
        _policy = options.Window.Ticks % TimeSpan.TicksPerSecond == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{_name};q={options.PermitLimit};w={options.Window.Ticks / TimeSpan.TicksPerSecond}")
            : string.Create(CultureInfo.InvariantCulture, $"{_name};q={options.PermitLimit}");
    }

    /// <summary>Adds the fields to a response's headers; an upstream's own policies stay beside them, both fields are lists.</summary>
    /// <param name="headers">The headers, before they are sent.</param>
    /// <param name="verdict">What was said of the request.</param>
    public void Add(IHeaderDictionary headers, RateLimitVerdict verdict)
    {
        headers[PolicyField] = StringValues.Concat(headers[PolicyField], _policy);
        headers[LimitField] = StringValues.Concat(
            headers[LimitField],
            string.Create(CultureInfo.InvariantCulture, $"{_name};r={verdict.Remaining};t={verdict.SecondsUntilMore}"));
    }

    // A string of RFC 9651 section 3.3.3 holds printable ASCII only.
    private static string Quote(string name)
    {
        var quoted = new StringBuilder("\"");
        foreach (var character in name)
        {
            quoted.Append(character is '"' or '\\' ? $"\\{character}" : character is >= ' ' and <= '~' ? character.ToString() : "_");
        }

        return quoted.Append('"').ToString();
    }
}
