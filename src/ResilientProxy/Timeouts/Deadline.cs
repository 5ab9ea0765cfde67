using System.Globalization;

namespace ResilientProxy.Timeouts;

/// <summary>Reads and writes a caller's time left.</summary>
internal static class Deadline
{
    /// <summary>gRPC's own header: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md</summary>
    public const string GrpcHeader = "grpc-timeout";

    private const int MostDigits = 8;

    /// <summary>Reads gRPC's form: at most eight digits and a unit.</summary>
    /// <param name="text">The header's value.</param>
    /// <param name="left">The time left.</param>
    public static bool TryParseGrpc(ReadOnlySpan<char> text, out TimeSpan left)
    {
        left = default;
        if (text.Length is < 2 or > MostDigits + 1 || !long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }

        left = text[^1] switch
        {
            'H' => TimeSpan.FromHours(count),
            'M' => TimeSpan.FromMinutes(count),
            'S' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMilliseconds(count),
            'u' => TimeSpan.FromMicroseconds(count),
            'n' => TimeSpan.FromTicks(count / TimeSpan.NanosecondsPerTick),
            _ => Timeout.InfiniteTimeSpan,
        };
        return left >= TimeSpan.Zero;
    }

    /// <summary>Writes gRPC's form, rounded down, so that the upstream never waits longer than the caller.</summary>
    /// <param name="left">The time left; less than nothing is nothing.</param>
    public static string FormatGrpc(TimeSpan left)
    {
        var milliseconds = (long)Math.Max(0, left.TotalMilliseconds);
        return milliseconds < 100_000_000
            ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds}m")
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Min(99_999_999, milliseconds / 1000)}S");
    }

    /// <summary>Reads a header in milliseconds.</summary>
    /// <param name="text">The header's value.</param>
    /// <param name="left">The time left.</param>
    public static bool TryParseMilliseconds(ReadOnlySpan<char> text, out TimeSpan left)
    {
        // More than a day is no deadline that anybody keeps, and would overflow sooner or later.
        var read = long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds);
        left = TimeSpan.FromMilliseconds(Math.Min(milliseconds, (long)TimeSpan.FromDays(1).TotalMilliseconds));
        return read;
    }

    /// <summary>Writes a header in milliseconds, rounded down.</summary>
    /// <param name="left">The time left; less than nothing is nothing.</param>
    public static string FormatMilliseconds(TimeSpan left) =>
        ((long)Math.Max(0, left.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
}
