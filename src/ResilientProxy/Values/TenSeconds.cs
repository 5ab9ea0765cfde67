namespace ResilientProxy.Values;

/// <summary>Counts requests, and what was sent on top of them, over the last ten seconds.</summary>
/// <remarks>
/// Counting takes no timer and no lock: a second's place in the ring is cleared by whoever comes to it first. A count that meets the clearing may
/// be lost; the proportion does not notice.
/// </remarks>
internal sealed class TenSeconds(TimeProvider time)
{
    private const int Seconds = 10;

    // Made at first use: most routes of a large config never get there.
    private Second[]? _ring;

    /// <summary>What was sent on top in the second that runs.</summary>
    public long ExtraThisSecond => Volatile.Read(ref Now().Extra);

    /// <summary>A request arrived.</summary>
    public void CountRequest() => Interlocked.Increment(ref Now().Requests);

    /// <summary>One more was sent on top.</summary>
    public void CountExtra() => Interlocked.Increment(ref Now().Extra);

    /// <summary>The sums of the last ten seconds.</summary>
    public (long Requests, long Extra) Totals()
    {
        var oldest = Now().Number - Seconds;
        long requests = 0;
        long extra = 0;
        foreach (var place in Ring())
        {
            if (Volatile.Read(ref place.Number) > oldest)
            {
                requests += Volatile.Read(ref place.Requests);
                extra += Volatile.Read(ref place.Extra);
            }
        }

        return (requests, extra);
    }

    private Second[] Ring() =>
        Volatile.Read(ref _ring) ?? Interlocked.CompareExchange(ref _ring, [.. Enumerable.Range(0, Seconds).Select(static _ => new Second())], null) ?? _ring;

    private Second Now()
    {
        var number = time.GetTimestamp() / time.TimestampFrequency;
        var second = Ring()[number % Seconds];
        var before = Volatile.Read(ref second.Number);
        if (before != number && Interlocked.CompareExchange(ref second.Number, number, before) == before)
        {
            Volatile.Write(ref second.Requests, 0);
            Volatile.Write(ref second.Extra, 0);
        }

        return second;
    }

    private sealed class Second
    {
        public long Number = -Seconds;
        public long Requests;
        public long Extra;
    }
}
