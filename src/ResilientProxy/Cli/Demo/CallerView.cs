namespace ResilientProxy.Cli.Demo;

/// <summary>What the callers of one route saw in one part of the demo.</summary>
internal sealed class CallerView
{
    private readonly Lock _lock = new();
    private readonly List<double> _milliseconds = [];
    private int _well;

    /// <summary>A caller has its answer, or gave up.</summary>
    /// <param name="well">Whether it was a good one.</param>
    /// <param name="duration">How long it took.</param>
    public void Add(bool well, TimeSpan duration)
    {
        lock (_lock)
        {
            _milliseconds.Add(duration.TotalMilliseconds);
            _well += well ? 1 : 0;
        }
    }

    /// <summary>Requests, the share of good answers (null of none), and the times half and 99 of 100 kept within, in milliseconds.</summary>
    public (int Requests, double? Share, double P50, double P99) Read()
    {
        lock (_lock)
        {
            double[] sorted = [.. _milliseconds.Order()];
            return sorted.Length == 0
                ? (0, null, 0, 0)
                : (sorted.Length, (double)_well / sorted.Length, At(sorted, 0.5), At(sorted, 0.99));
        }
    }

    private static double At(double[] sorted, double quantile) => sorted[Math.Min((int)(quantile * sorted.Length), sorted.Length - 1)];
}
