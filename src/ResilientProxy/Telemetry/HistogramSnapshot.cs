namespace ResilientProxy.Telemetry;

/// <summary>A histogram at one moment.</summary>
/// <param name="bounds">Upper bounds in seconds, ascending.</param>
/// <param name="buckets">Values per bucket, not cumulative; one more than there are bounds, the last for all above.</param>
/// <param name="sum">All values added up.</param>
internal sealed class HistogramSnapshot(IReadOnlyList<double> bounds, long[] buckets, TimeSpan sum)
{
    /// <summary>Upper bounds in seconds, ascending.</summary>
    public IReadOnlyList<double> Bounds => bounds;

    /// <summary>Values per bucket, not cumulative; the last is for all above the last bound.</summary>
    public IReadOnlyList<long> Buckets => buckets;

    /// <summary>Values in all.</summary>
    public long Count { get; } = buckets.Sum();

    /// <summary>All values added up.</summary>
    public TimeSpan Sum => sum;

    /// <summary>Per bucket a value with its trace, or null; empty where no value came with a trace.</summary>
    public IReadOnlyList<Exemplar?> Exemplars { get; init; } = [];

    /// <summary>What was recorded since <paramref name="earlier"/>, a snapshot of the same histogram.</summary>
    public HistogramSnapshot Since(HistogramSnapshot earlier) =>
        new(bounds, [.. buckets.Zip(earlier.Buckets, (now, then) => now - then)], sum - earlier.Sum);

    /// <summary>
    /// The value below which the share <paramref name="quantile"/> (0 to 1) of all values lies, taken as evenly spread within its
    /// bucket, as Prometheus' <c>histogram_quantile</c> does; the last bound where it lies above that; null when nothing was recorded.
    /// </summary>
    public TimeSpan? Quantile(double quantile)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quantile);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quantile, 1);
        if (Count == 0)
        {
            return null;
        }

        var rank = quantile * Count;
        long below = 0;
        for (var bucket = 0; bucket < bounds.Count; bucket++)
        {
            if (buckets[bucket] > 0 && below + buckets[bucket] >= rank)
            {
                var lower = bucket == 0 ? 0 : bounds[bucket - 1];
                return TimeSpan.FromSeconds(lower + ((bounds[bucket] - lower) * (rank - below) / buckets[bucket]));
            }

            below += buckets[bucket];
        }

        return TimeSpan.FromSeconds(bounds[^1]);
    }
}
