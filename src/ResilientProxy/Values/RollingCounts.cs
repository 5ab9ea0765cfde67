namespace ResilientProxy.Values;

/// <summary>Counts two kinds of events of the last while, in a ring of buckets. Lock-free, without a timer and without allocation.</summary>
/// <remarks>
/// A bucket's place is cleared by whoever comes to it first. A count that meets the clearing may be lost; their proportion does not notice. The window
/// reaches back between nine and ten tenths of its length.
/// </remarks>
internal sealed class RollingCounts
{
    private const int Buckets = 10;

    private readonly TimeProvider _time;
    private readonly long _width;
    // One more than the window has: see SumStrictly.
    private readonly Bucket[] _ring = [.. Enumerable.Range(0, Buckets + 1).Select(_ => new Bucket())];

    /// <param name="length">How far it looks back.</param>
    /// <param name="time">The clock.</param>
    public RollingCounts(TimeSpan length, TimeProvider time)
    {
        _time = time;
        _width = Math.Max(1, (long)(length.TotalSeconds * time.TimestampFrequency / Buckets));
    }

    /// <summary>An event of the ordinary kind.</summary>
    public void CountPlain() => Interlocked.Increment(ref Now().Plain);

    /// <summary>An event of the kind that is watched.</summary>
    public void CountMarked() => Interlocked.Increment(ref Now().Marked);

    /// <summary>What was counted in the window's length up to now.</summary>
    public (long Plain, long Marked) Sum() => Sum(Buckets);

    /// <summary>As <see cref="Sum()"/>, with the marked ones of a whole length at least: a limit on them then holds for every span of that length.</summary>
    public (long Plain, long Marked) SumStrictly() => Sum(Buckets + 1);

    private (long Plain, long Marked) Sum(int markedBuckets)
    {
        var newest = _time.GetTimestamp() / _width;
        long plain = 0;
        long marked = 0;
        foreach (var bucket in _ring)
        {
            var age = newest - Volatile.Read(ref bucket.Number);
            plain += age < Buckets ? Volatile.Read(ref bucket.Plain) : 0;
            marked += age < markedBuckets ? Volatile.Read(ref bucket.Marked) : 0;
        }

        return (plain, marked);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        foreach (var bucket in _ring)
        {
            Volatile.Write(ref bucket.Plain, 0);
            Volatile.Write(ref bucket.Marked, 0);
        }
    }

    private Bucket Now()
    {
        var number = _time.GetTimestamp() / _width;
        var bucket = _ring[number % _ring.Length];
        var before = Volatile.Read(ref bucket.Number);

        // A slow thread must not turn a bucket back: it counts in the newer one.
        if (before < number && Interlocked.CompareExchange(ref bucket.Number, number, before) == before)
        {
            Volatile.Write(ref bucket.Plain, 0);
            Volatile.Write(ref bucket.Marked, 0);
        }

        return bucket;
    }

    private sealed class Bucket
    {
        public long Number = -Buckets - 1;
        public long Plain;
        public long Marked;
    }
}
