using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace ResilientProxy.Forwarding;

/// <summary>Reads the <c>Retry-After</c> of a response: RFC 9110 section 10.2.3, seconds or a date.</summary>
internal static class RetryAfter
{
    /// <summary>How long the upstream asks to be left alone; zero where it does not.</summary>
    /// <param name="response">Its response.</param>
    /// <param name="time">The clock.</param>
    public static TimeSpan Of(HttpResponseMessage response, TimeProvider time)
    {
        if (!response.Headers.NonValidated.TryGetValues(HeaderNames.RetryAfter, out var values))
        {
            return TimeSpan.Zero;
        }

        var value = values.ToString().Trim();
        if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(1).TotalSeconds));
        }

        if (HeaderUtilities.TryParseDate(value, out var date) && date - time.GetUtcNow() is { Ticks: > 0 } wait)
        {
            return wait;
        }

        return TimeSpan.Zero;
    }
}
