namespace ResilientProxy.CircuitBreaking;

/// <summary>Counts successes and failures of the last while, in a ring of buckets. Lock-free, without a timer and without allocation.</summary>
/// <remarks>
/// A bucket's place is cleared by whoever comes to it first. A count that meets the clearing may be lost; a ratio does not notice. The window
/// reaches back between nine and ten tenths of its length.
/// </remarks>
internal sealed class RollingWindow
{
    private const int Buckets = 10;

    private readonly TimeProvider _time;
    private readonly long _width;
    private readonly Bucket[] _ring = [.. Enumerable.Range(0, Buckets).Select(_ => new Bucket())];

    /// <param name="length">How far it looks back.</param>
    /// <param name="time">The clock.</param>
    public RollingWindow(TimeSpan length, TimeProvider time)
    {
        _time = time;
        _width = Math.Max(1, (long)(length.TotalSeconds * time.TimestampFrequency / Buckets));
    }

    /// <summary>An attempt did not fail.</summary>
    public void Success() => Interlocked.Increment(ref Now().Successes);

    /// <summary>An attempt failed.</summary>
    public void Failure() => Interlocked.Increment(ref Now().Failures);

    /// <summary>What was counted in the window's length up to now.</summary>
    public (long Successes, long Failures) Sum()
    {
        var oldest = (_time.GetTimestamp() / _width) - Buckets;
        long successes = 0;
        long failures = 0;
        foreach (var bucket in _ring)
        {
            if (Volatile.Read(ref bucket.Number) > oldest)
            {
                successes += Volatile.Read(ref bucket.Successes);
                failures += Volatile.Read(ref bucket.Failures);
            }
        }

        return (successes, failures);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        foreach (var bucket in _ring)
        {
            Volatile.Write(ref bucket.Successes, 0);
            Volatile.Write(ref bucket.Failures, 0);
        }
    }

    private Bucket Now()
    {
        var number = _time.GetTimestamp() / _width;
        var bucket = _ring[number % Buckets];
        var before = Volatile.Read(ref bucket.Number);

        // A slow thread must not turn a bucket back: it counts in the newer one.
        if (before < number && Interlocked.CompareExchange(ref bucket.Number, number, before) == before)
        {
            Volatile.Write(ref bucket.Successes, 0);
            Volatile.Write(ref bucket.Failures, 0);
        }

        return bucket;
    }

    private sealed class Bucket
    {
        public long Number = -Buckets;
        public long Successes;
        public long Failures;
    }
}
