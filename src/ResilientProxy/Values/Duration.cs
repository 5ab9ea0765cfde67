using System.Globalization;
using System.Text.RegularExpressions;

namespace ResilientProxy.Values;

/// <summary>The config's notation for a span of time: <c>"250ms"</c>, <c>"2s"</c>, <c>"1.5m"</c>, <c>"1h"</c>, <c>"1d"</c>, or .NET's own <c>"00:00:02"</c>.</summary>
internal static partial class Duration
{
    /// <summary>What a text must match to be a duration; the schema carries it.</summary>
    public const string Pattern = @"^(\d+(\.\d+)?(ms|s|m|h|d)|(\d+\.)?\d{1,2}:\d{2}(:\d{2}(\.\d{1,7})?)?)$";

    // Longest suffix first where one ends with another: "ms" must not be read as "s".
    private static readonly (string Suffix, long Ticks)[] Units =
    [
        ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour),
        ("d", TimeSpan.TicksPerDay),
    ];

    /// <summary>Reads a duration; negative ones and bare numbers are none.</summary>
    public static bool TryParse(string text, out TimeSpan value)
    {
        // TimeSpan's own parser would take more than is said: a bare "5" for five days, blanks around, any number of zeros in front.
        value = default;
        if (!Form().IsMatch(text))
        {
            return false;
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return (TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out value)
                || TimeSpan.TryParseExact(text, @"h\:mm", CultureInfo.InvariantCulture, out value))
                && value >= TimeSpan.Zero;
        }

        foreach (var (suffix, ticks) in Units)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal))
            {
                return PlainNumber.TryScale(text.AsSpan(0, text.Length - suffix.Length), ticks, out var scaled)
                    && (value = TimeSpan.FromTicks(scaled)) >= TimeSpan.Zero;
            }
        }

        return false;
    }

    /// <summary>Writes a duration so that <see cref="TryParse"/> reads the same one: in the largest unit that leaves no fraction.</summary>
    public static string Format(TimeSpan value)
    {
        if (value == Timeout.InfiniteTimeSpan)
        {
            return "off";
        }

        if (value == TimeSpan.Zero)
        {
            return "0s";
        }

        foreach (var (suffix, ticks) in Units.Reverse())
        {
            if (value.Ticks % ticks == 0)
            {
                return (value.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + suffix;
            }
        }

        return ((decimal)value.Ticks / TimeSpan.TicksPerMillisecond).ToString(CultureInfo.InvariantCulture) + "ms";
    }

    [GeneratedRegex(Pattern, RegexOptions.ECMAScript)]
    private static partial Regex Form();
}
