namespace ResilientProxy.LoadBalancing;

/// <summary>What a balancing policy knows of one destination. It outlives the reloads that do not change the destination.</summary>
/// <param name="time">The clock whose timestamps the methods take.</param>
internal sealed class DestinationLoad(TimeProvider time)
{
    private const double FirstRampShare = 0.1;

    private readonly LatencyEstimate _latency = new(time);
    private int _inFlight;
    private volatile int _weight = 1;
    private long _rampStart;
    private long _rampTicks; // 0: no ramp

    /// <summary>Attempts on the way at this moment, retries and hedges included, until their responses have ended.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Its share of the traffic beside the others' weights; from 0, which is none while there is another.</summary>
    public int Weight
    {
        get => _weight;
        set => _weight = value;
    }

    /// <summary>Whether it counts like any other: weight 1, no ramp. Then no policy has to calculate.</summary>
    public bool IsPlain => _weight == 1 && Volatile.Read(ref _rampTicks) == 0;

    /// <summary>An attempt begins, where there is room.</summary>
    /// <param name="limit">The most attempts at a time.</param>
    /// <returns>Whether there was.</returns>
    public bool TryBegin(int limit)
    {
        if (Interlocked.Increment(ref _inFlight) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref _inFlight);
        return false;
    }

    /// <summary>An attempt has ended: its response is complete, or it failed.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

    /// <summary>An answer came.</summary>
    /// <param name="latency">From the attempt's start to the response's headers.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void Record(TimeSpan latency, long now) => _latency.Record(latency.TotalSeconds, now);

    /// <summary>An attempt failed. A failure that was quick must not look like a quick answer: it counts as a slow one.</summary>
    /// <param name="elapsed">From the attempt's start.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void RecordFailure(TimeSpan elapsed, long now) => _latency.RecordFailure(elapsed.TotalSeconds, now);

    /// <summary>The latency to expect, in seconds; 0 where nothing is known.</summary>
    /// <param name="now">The clock's timestamp.</param>
    public double Latency(long now) => _latency.Read(now);

    /// <summary>It came back: its latency is learned anew, and for a while it gets a share that grows from a tenth to the whole.</summary>
    /// <param name="span">How long that takes; for none and for an infinite one it gets the whole at once.</param>
    /// <param name="timestamp">When it came back, by the clock.</param>
    public void BeginSlowStart(TimeSpan span, long timestamp)
    {
        _latency.Forget();
        if (span > TimeSpan.Zero)
        {
            Volatile.Write(ref _rampStart, timestamp);
            Volatile.Write(ref _rampTicks, (long)(span.TotalSeconds * time.TimestampFrequency));
        }
    }

    /// <summary>How much of its share it gets while it is ramped up: 0.1 to 1.</summary>
    /// <param name="now">The clock's timestamp.</param>
    public double RampUp(long now)
    {
        var ticks = Volatile.Read(ref _rampTicks);
        if (ticks == 0)
        {
            return 1;
        }

        var passed = now - Volatile.Read(ref _rampStart);
        if (passed >= ticks)
        {
            Interlocked.CompareExchange(ref _rampTicks, 0, ticks);
            return 1;
        }

        return FirstRampShare + ((1 - FirstRampShare) * Math.Max(0, passed) / ticks);
    }

    /// <summary>Its weight as it counts now, the ramp included.</summary>
    /// <param name="now">The clock's timestamp.</param>
    public double Share(long now) => _weight * RampUp(now);
}
