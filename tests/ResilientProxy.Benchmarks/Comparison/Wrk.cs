using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>What wrk counted.</summary>
/// <param name="Requests">Answers.</param>
/// <param name="PerSecond">Answers a second.</param>
/// <param name="P50">Half of the answers came within so many milliseconds.</param>
/// <param name="P99">And 99 % within so many.</param>
/// <param name="Errors">Answers that were none of 2xx or 3xx, and sockets that failed.</param>
internal readonly record struct WrkResult(long Requests, double PerSecond, double P50, double P99, long Errors);

/// <summary>The load generator: as many requests as the target answers.</summary>
internal static partial class Wrk
{
    /// <summary>Runs it.</summary>
    /// <param name="url">The target.</param>
    /// <param name="load">The requests.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="script">The script that makes them POST requests; null for GET.</param>
    public static async Task<WrkResult> RunAsync(string url, LoadCase load, int seconds, string? script)
    {
        string[] arguments =
        [
            "-t1", $"-c{load.Connections}", $"-d{seconds}s", "--timeout", "20s", "--latency",
            .. script is null ? Array.Empty<string>() : ["-s", script], url + load.Path,
        ];
        using var wrk = Process.Start(new ProcessStartInfo("wrk", arguments) { RedirectStandardOutput = true })!;
        var text = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (wrk.ExitCode != 0 || !Counted().IsMatch(text))
        {
            throw new InvalidOperationException($"wrk failed against {url}: {text}");
        }

        return new(
            long.Parse(Counted().Match(text).Groups[1].Value, CultureInfo.InvariantCulture),
            double.Parse(Rate().Match(text).Groups[1].Value, CultureInfo.InvariantCulture),
            Milliseconds(text, "50%"),
            Milliseconds(text, "99%"),
            SocketErrors().Match(text) is { Success: true } sockets ? sockets.Groups.Values.Skip(1).Sum(Number) + Refused(text) : Refused(text));
    }

    private static long Refused(string text) => NotGood().Match(text) is { Success: true } match ? Number(match.Groups[1]) : 0;

    private static long Number(Group group) => long.Parse(group.Value, CultureInfo.InvariantCulture);

    private static double Milliseconds(string text, string share)
    {
        var match = Latency().Matches(text).First(match => match.Groups[1].Value == share);
        var value = double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
        return match.Groups[3].Value switch { "us" => value / 1000, "ms" => value, "s" => value * 1000, _ => value * 60_000 };
    }

    [GeneratedRegex(@"(\d+) requests in ")]
    private static partial Regex Counted();

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"^\s+(\d+%)\s+([\d.]+)(us|ms|s|m)\s*$", RegexOptions.Multiline)]
    private static partial Regex Latency();

    [GeneratedRegex(@"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")]
    private static partial Regex SocketErrors();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)")]
    private static partial Regex NotGood();
}
