namespace ResilientProxy.Hedging;

/// <summary>A route's hedging, prepared for the request path: its live percentile and its share of extra load outlive the requests.</summary>
internal sealed class HedgingPolicy(HedgingOptions options, TimeProvider time)
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(100);

    private readonly LatencyEstimate _latency = new(time);
    private readonly ExtraLoad _extraLoad = new(options.MaxExtraLoad, time);
    private long _refreshDue;
    private long _delayTicks;

    /// <summary>The route's options.</summary>
    public HedgingOptions Options => options;

    /// <summary>How long an attempt has to be silent; null while the percentile is not known yet, and nothing is hedged.</summary>
    public TimeSpan? Delay
    {
        get
        {
            if (options.Delay.Percentile == 0)
            {
                return options.Delay.Fixed;
            }

            // The percentile takes a walk over all buckets: once in a while is as good as every time.
            var now = time.GetTimestamp();
            var due = Volatile.Read(ref _refreshDue);
            var next = now + (long)(Refresh.TotalSeconds * time.TimestampFrequency);
            if (now >= due && Interlocked.CompareExchange(ref _refreshDue, next, due) == due)
            {
                var live = _latency.Percentile(options.Delay.Percentile);
                Volatile.Write(ref _delayTicks, live is { } known ? Math.Max(known.Ticks, HedgingDelay.Floor.Ticks) : 0);
            }

            return Volatile.Read(ref _delayTicks) is > 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;
        }
    }

    /// <summary>A request of the route arrived.</summary>
    public void RequestStarted() => _extraLoad.RequestStarted();

    /// <summary>An upstream answered.</summary>
    /// <param name="elapsed">The time until its response's headers.</param>
    public void Answered(TimeSpan elapsed) => _latency.Record(elapsed);

    /// <summary>Takes one hedge from the extra load that is allowed.</summary>
    /// <returns>False where that is used up.</returns>
    public bool TryTake() => _extraLoad.TryTake();
}
