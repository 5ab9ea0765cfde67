namespace ResilientProxy.Telemetry;

/// <summary>How often durations fell between fixed bounds; recording takes two interlocked adds and no allocation.</summary>
internal sealed class Histogram : IMetric
{
    /// <summary>Bounds for the time of a request, in seconds; a value equal to a bound belongs below it (Prometheus' <c>le</c>).</summary>
    public static readonly IReadOnlyList<double> DefaultBounds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private static readonly long[] DefaultBoundTicks = TicksOf(DefaultBounds);

    private readonly IReadOnlyList<double> _bounds;
    private readonly long[] _boundTicks;

    // Per stripe: one cell per bound, one for all above, then the sum in ticks; whole 128-byte blocks, made at first use: see StripedSum.
    private long[]? _cells;
    private readonly int _stride;

    // One per bucket; null until a value comes with a trace, which those of instruments that are not ours never do.
    private Exemplar?[]? _exemplars;

    public Histogram()
        : this(DefaultBounds)
    {
    }

    /// <param name="bounds">Upper bounds in seconds, strictly ascending.</param>
    public Histogram(IReadOnlyList<double> bounds)
    {
        _bounds = bounds;
        _boundTicks = ReferenceEquals(bounds, DefaultBounds) ? DefaultBoundTicks : TicksOf(bounds);
        _stride = (bounds.Count + 2 + StripedSum.Padding - 1) / StripedSum.Padding * StripedSum.Padding;
    }

    /// <summary>Records a duration; a negative one (a clock that went back) counts as zero.</summary>
    public void Record(TimeSpan duration) => Count(duration);

    /// <summary>Records a duration and, where its bucket has nothing new to show, the trace it belongs to.</summary>
    /// <remarks>
    /// An exemplar is replaced once a scrape has shown it: between two scrapes a bucket takes one small object, and every other request
    /// does no more than see that one is there. The clock is read for that one only.
    /// </remarks>
    /// <param name="duration">The duration; a negative one counts as zero.</param>
    /// <param name="traceId">32 hexadecimal digits; null for no trace.</param>
    /// <param name="time">Says when this is.</param>
    public void Record(TimeSpan duration, string? traceId, TimeProvider time)
    {
        var bucket = Count(duration);
        if (traceId is null)
        {
            return;
        }

        ref var exemplar = ref Exemplars()[bucket];
        if (Volatile.Read(ref exemplar) is null or { WasShown: true })
        {
            // Two threads may both come here; either of their values is as good.
            Volatile.Write(ref exemplar, new Exemplar(traceId, duration < TimeSpan.Zero ? TimeSpan.Zero : duration, time.GetUtcNow()));
        }
    }

    /// <summary>Records a duration in seconds.</summary>
    public void Record(double seconds) => Record(new TimeSpan(Ticks(seconds)));

    /// <summary>
    /// A copy whose count is, by construction, the sum of its buckets. Its sum may be ahead or behind by the values being recorded
    /// at this very moment; to hold those up for a scrape would cost more than it is worth.
    /// </summary>
    public HistogramSnapshot Snapshot()
    {
        var buckets = new long[_boundTicks.Length + 1];
        long sum = 0;
        var cells = Volatile.Read(ref _cells) ?? [];
        for (var stripe = StripedSum.Padding; stripe < cells.Length; stripe += _stride)
        {
            for (var bucket = 0; bucket < buckets.Length; bucket++)
            {
                buckets[bucket] += Volatile.Read(ref cells[stripe + bucket]);
            }

            sum += Volatile.Read(ref cells[stripe + buckets.Length]);
        }

        return new HistogramSnapshot(_bounds, buckets, new TimeSpan(sum)) { Exemplars = Volatile.Read(ref _exemplars) is { } exemplars ? [.. exemplars] : [] };
    }

    public MetricValue Read() => new(0, Snapshot());

    private int Count(TimeSpan duration)
    {
        var ticks = Math.Max(duration.Ticks, 0);
        var bucket = 0;
        foreach (var bound in _boundTicks)
        {
            if (ticks <= bound)
            {
                break;
            }

            bucket++;
        }

        var cells = Volatile.Read(ref _cells) ?? StripedSum.CellsOf(ref _cells, StripedSum.Padding + (_stride * StripedSum.Stripes));
        var stripe = StripedSum.Padding + (_stride * StripedSum.Current);
        Interlocked.Increment(ref cells[stripe + bucket]);
        Interlocked.Add(ref cells[stripe + _boundTicks.Length + 1], ticks);
        return bucket;
    }

    private Exemplar?[] Exemplars() =>
        Volatile.Read(ref _exemplars) is { } exemplars ? exemplars
        : Interlocked.CompareExchange(ref _exemplars, exemplars = new Exemplar?[_boundTicks.Length + 1], null) ?? exemplars;

    // In ticks (100 ns) comparison and sum are integers: exact at the edges, and one interlocked add for the sum.
    private static long[] TicksOf(IReadOnlyList<double> bounds)
    {
        long[] ticks = [.. bounds.Select(Ticks)];
        return ticks.Zip(ticks.Skip(1)).Any(pair => pair.First >= pair.Second)
            ? throw new ArgumentException("The bounds of a histogram must ascend.", nameof(bounds))
            : ticks;
    }

    private static long Ticks(double seconds) => (long)Math.Round(seconds * TimeSpan.TicksPerSecond);
}
