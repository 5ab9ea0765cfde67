using System.Diagnostics.CodeAnalysis;
using System.Buffers;
using ResilientProxy.Values;

namespace ResilientProxy.RateLimiting;

/// <summary>What requests share a limit.</summary>
/// <param name="Text">As the config writes it.</param>
[TextFormat("\"route\", \"client-ip\", or the name of a request header such as \"header:X-Api-Key\"", "^(route|client-ip|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+)$")]
internal readonly record struct RateLimiterPartition(string Text) : IParsable<RateLimiterPartition>, IFormattable
{
    /// <summary>All requests of the route.</summary>
    public static readonly RateLimiterPartition Route = new("route");

    /// <summary>The requests of one client address.</summary>
    public static readonly RateLimiterPartition ClientIp = new("client-ip");

    private const string HeaderPrefix = "header:";

    // RFC 9110 section 5.6.2.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>The header whose value decides; null for the other kinds.</summary>
    public string? Header => Text.StartsWith(HeaderPrefix, StringComparison.Ordinal) ? Text[HeaderPrefix.Length..] : null;

    /// <inheritdoc/>
    public static RateLimiterPartition Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var partition) ? partition : throw new FormatException($"\"{s}\" is no partition.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out RateLimiterPartition result)
    {
        s ??= "";
        if (s.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase))
        {
            result = new(HeaderPrefix + s[HeaderPrefix.Length..]);
            return result.Header is { Length: > 0 } name && !name.AsSpan().ContainsAnyExcept(TokenCharacters);
        }

        result = new(s.ToLowerInvariant());
        return result == Route || result == ClientIp;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => Text;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
