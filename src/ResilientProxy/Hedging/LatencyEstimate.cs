using System.Numerics;

namespace ResilientProxy.Hedging;

/// <summary>A live percentile of the times until a route's upstreams answer: log-spaced buckets over the last 10 to 20 s.</summary>
/// <remarks>
/// Two halves take turns: one is written, the other is the ten seconds before. Recording is one interlocked add; a bucket is at most an eighth
/// wide, so that the estimate is within 12 % of the truth. A count that meets the turn may land in the wrong half; the percentile does not notice.
/// </remarks>
internal sealed class LatencyEstimate(TimeProvider time)
{
    /// <summary>Fewer answers than this say nothing about a percentile.</summary>
    public const int FewestSamples = 20;

    private const int StepsPerDoubling = 8;
    private const int Doublings = 26; // 16 µs to 18 min
    private const int Buckets = StepsPerDoubling * Doublings;
    private const int SmallestShift = 4;
    private const int HalfSeconds = 10;

    private readonly Half[] _halves = [new(), new()];

    /// <summary>An upstream answered.</summary>
    /// <param name="elapsed">The time until its response's headers.</param>
    public void Record(TimeSpan elapsed) => Interlocked.Increment(ref Now().Counts[BucketOf(elapsed)]);

    /// <summary>The time within which a share of the answers came; null while too few are known.</summary>
    /// <param name="percentile">1 to 99.</param>
    public TimeSpan? Percentile(int percentile)
    {
        var now = Now();
        long total = 0;
        Span<long> counts = stackalloc long[Buckets];
        foreach (var half in _halves)
        {
            if (Volatile.Read(ref half.Number) >= now.Number - 1)
            {
                for (var i = 0; i < Buckets; i++)
                {
                    counts[i] += Volatile.Read(ref half.Counts[i]);
                    total += Volatile.Read(ref half.Counts[i]);
                }
            }
        }

        if (total < FewestSamples)
        {
            return null;
        }

        var rank = (long)Math.Ceiling(total * percentile / 100.0);
        for (var i = 0; i < Buckets; i++)
        {
            rank -= counts[i];
            if (rank <= 0)
            {
                return UpperBoundOf(i);
            }
        }

        return UpperBoundOf(Buckets - 1);
    }

    private static int BucketOf(TimeSpan elapsed)
    {
        var micros = (ulong)Math.Max(1L << SmallestShift, elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
        var doubling = BitOperations.Log2(micros);
        var step = (int)((micros >> (doubling - 3)) & 7); // the three bits below the leading one
        return Math.Min(((doubling - SmallestShift) * StepsPerDoubling) + step, Buckets - 1);
    }

    private static TimeSpan UpperBoundOf(int bucket)
    {
        var doubling = (bucket / StepsPerDoubling) + SmallestShift;
        var micros = (1.0 + ((bucket % StepsPerDoubling) + 1) / 8.0) * Math.Pow(2, doubling);
        return TimeSpan.FromMicroseconds(micros);
    }

    private Half Now()
    {
        var number = time.GetTimestamp() / time.TimestampFrequency / HalfSeconds;
        var half = _halves[number & 1];
        var before = Volatile.Read(ref half.Number);
        if (before != number && Interlocked.CompareExchange(ref half.Number, number, before) == before)
        {
            Array.Clear(half.Counts);
        }

        return half;
    }

    private sealed class Half
    {
        public readonly long[] Counts = new long[Buckets];
        public long Number = -2;
    }
}
