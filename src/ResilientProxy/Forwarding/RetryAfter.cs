using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace ResilientProxy.Forwarding;

/// <summary>Reads the <c>Retry-After</c> of a response: RFC 9110 section 10.2.3, seconds or a date.</summary>
internal static class RetryAfter
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>How long the upstream asks to be left alone, at most a day; zero where it does not.</summary>
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
            return TimeSpan.FromSeconds(Math.Min(seconds, (long)Longest.TotalSeconds));
        }

        if (!HeaderUtilities.TryParseDate(value, out var date))
        {
            return TimeSpan.Zero;
        }

        // Both dates by the upstream's clock, where it tells its own: this machine's may be wrong, or have been set a moment ago.
        var wait = date - (response.Headers.Date ?? time.GetUtcNow());
        return wait <= TimeSpan.Zero ? TimeSpan.Zero : wait < Longest ? wait : Longest;
    }
}
