using System.Diagnostics;
using System.Globalization;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>The load generator of HTTP/2: nghttp2's, with prior knowledge.</summary>
internal static class H2Load
{
    /// <summary>Runs it: 8 connections, each with 8 requests at a time.</summary>
    /// <param name="url">The target.</param>
    /// <param name="seconds">How long.</param>
    public static async Task<WrkResult> RunAsync(string url, int seconds)
    {
        var log = Path.GetTempFileName();
        try
        {
            string[] arguments = ["-t1", "-c8", "-m8", $"-D{seconds}", "--log-file", log, url + "/small"];
            using var process = Process.Start(new ProcessStartInfo("h2load", arguments) { RedirectStandardOutput = true })!;
            var text = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();

            // A line a request: when it began, its status (or -1), and how long it took, in µs.
            var requests = (await File.ReadAllLinesAsync(log)).Select(line => line.Split('\t')).Select(fields => (Status: int.Parse(fields[1], CultureInfo.InvariantCulture), Micros: long.Parse(fields[2], CultureInfo.InvariantCulture))).ToArray();
            if (process.ExitCode != 0 || requests.Length == 0)
            {
                throw new InvalidOperationException($"h2load failed against {url}: {text}");
            }

            var ordered = requests.Select(request => request.Micros).Order().ToArray();
            return new(requests.Length, (double)requests.Length / seconds, At(0.5), At(0.99), requests.Count(request => request.Status is < 200 or > 399));

            double At(double share) => ordered[Math.Min(ordered.Length - 1, (int)(ordered.Length * share))] / 1000.0;
        }
        finally
        {
            File.Delete(log);
        }
    }
}
