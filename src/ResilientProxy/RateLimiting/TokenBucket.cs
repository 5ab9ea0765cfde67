namespace ResilientProxy.RateLimiting;

/// <summary>The token bucket as the generic cell rate algorithm (ITU-T I.371): one number, the time at which the bucket is full again.</summary>
internal readonly struct TokenBucket : ILimit<long>
{
    private readonly long _interval;
    private readonly long _capacity;

    /// <param name="permits">Permits a window.</param>
    /// <param name="window">The window.</param>
    /// <param name="burst">Permits in a full bucket.</param>
    public TokenBucket(int permits, TimeSpan window, int burst)
    {
        var units = LimitClock.Of(window);
        _interval = Math.Max(1, (units + (permits / 2)) / permits);

        // A quarter of all time is as good as more, and leaves room to add.
        _capacity = (long)Int128.Min((Int128)_interval * burst, long.MaxValue / 4);
    }

    /// <inheritdoc/>
    public RateLimitVerdict Take(ref long state, long now)
    {
        (state, var verdict) = Next(state, now);
        return verdict;
    }

    /// <inheritdoc/>
    public long IdleFrom(in long state) => state;

    /// <summary>The state after one request, and what is said of it: a pure function, for a compare-and-swap.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="now">The time.</param>
    public (long State, RateLimitVerdict Verdict) Next(long state, long now)
    {
        var full = Math.Max(state, now) + _interval;
        var free = _capacity - (full - now);
        return free >= 0
            ? (full, new(true, free / _interval, _interval - (free % _interval)))
            : (state, new(false, 0, -free));
    }
}
