using System.Diagnostics;
using System.Globalization;

namespace ResilientProxy.Telemetry;

/// <summary>The process as the operating system sees it, under the names every Prometheus client library uses.</summary>
/// <remarks>A figure this system has not (no /proc) is left out of the scrape.</remarks>
internal static class ProcessMetrics
{
    private const string Descriptors = "/proc/self/fd";
    private const string Threads = "/proc/self/task";
    private const string Limits = "/proc/self/limits";

    public static IReadOnlyList<MetricFamily> Families()
    {
        var startTime = StartTime();
        return
        [
            Family("process_cpu_seconds_total", "User and system CPU time spent.", MetricType.Counter, static () => Environment.CpuUsage.TotalTime.TotalSeconds),
            Family("process_resident_memory_bytes", "Resident memory.", MetricType.Gauge, static () => Environment.WorkingSet),
            Family("process_start_time_seconds", "Unix time at which the process started.", MetricType.Gauge, () => startTime),
            Family("process_threads", "Threads of the operating system.", MetricType.Gauge, static () => Entries(Threads)),
            Family("process_open_fds", "Open file descriptors.", MetricType.Gauge, static () => Entries(Descriptors)),
            Family("process_max_fds", "File descriptors that may be open at most.", MetricType.Gauge, static () => MaxDescriptors()),
        ];
    }

    private static ObservedFamily Family(string name, string help, MetricType type, Func<double?> read)
    {
        var family = new ObservedFamily(name, help, type, []);
        family.ObserveWith(() => read() is { } value ? [new Observation(value)] : []);
        return family;
    }

    private static double StartTime()
    {
        using var process = Process.GetCurrentProcess();
        return (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }

    private static double? Entries(string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory).Count() : null;

    private static double? MaxDescriptors()
    {
        if (!File.Exists(Limits))
        {
            return null;
        }

        // "Max open files            1024                 524288               files": the first figure is the limit in force.
        var words = File.ReadLines(Limits).FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))?
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is { Length: > 3 } && double.TryParse(words[3], CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
