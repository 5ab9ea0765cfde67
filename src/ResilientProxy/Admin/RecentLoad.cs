using ResilientProxy.Telemetry;

namespace ResilientProxy.Admin;

/// <summary>What came in a time that has just passed.</summary>
/// <param name="Seconds">How long that was: the time asked for or a little more, less where the proxy is younger.</param>
/// <param name="Count">Requests, or attempts, that ended in it.</param>
/// <param name="PerSecond">The same in a second.</param>
/// <param name="SuccessRate">The share of them that ended well, 0 to 1; null where none says anything.</param>
/// <param name="Left">How many of them say nothing, because the caller left before.</param>
/// <param name="P50Ms">The median duration in milliseconds; null where none ended.</param>
/// <param name="P95Ms">The time that 95 of 100 kept within.</param>
/// <param name="P99Ms">The time that 99 of 100 kept within.</param>
internal sealed record RecentLoad(double Seconds, long Count, double PerSecond, double? SuccessRate, long Left, double? P50Ms, double? P95Ms, double? P99Ms)
{
    /// <summary>What came between two readings.</summary>
    /// <param name="now">The later one.</param>
    /// <param name="then">The earlier one; null for the beginning.</param>
    /// <param name="elapsed">The time between them.</param>
    public static RecentLoad Between(LoadReading now, LoadReading? then, TimeSpan elapsed)
    {
        var durations = then is null ? now.Durations : now.Durations.Since(then.Durations);
        var good = now.Good - (then?.Good ?? 0);
        var judged = good + now.Bad - (then?.Bad ?? 0);
        var seconds = Math.Max(elapsed.TotalSeconds, 0.001);
        return new(
            Math.Round(seconds, 1),
            durations.Count,
            Math.Round(durations.Count / seconds, 2),
            judged > 0 ? Math.Round((double)good / judged, 6) : null,
            Math.Max(durations.Count - judged, 0),
            Quantile(durations, 0.50),
            Quantile(durations, 0.95),
            Quantile(durations, 0.99));
    }

    private static double? Quantile(HistogramSnapshot durations, double quantile) =>
        durations.Quantile(quantile) is { } value ? Math.Round(value.TotalMilliseconds, 2) : null;
}
