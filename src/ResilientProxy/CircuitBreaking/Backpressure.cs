namespace ResilientProxy.CircuitBreaking;

/// <summary>A destination's own wish to be left alone for a while: a 429, or a 503 with <c>Retry-After</c>. It steers traffic away and is no failure.</summary>
/// <param name="time">The clock.</param>
internal sealed class Backpressure(TimeProvider time)
{
    /// <summary>The longest time a wish is followed: a destination must not take itself out for a day.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private const long Never = long.MinValue;

    private long _until = Never;

    /// <summary>Whether the destination asked to be left alone, and the time has not passed.</summary>
    public bool IsActive
    {
        get
        {
            var until = Volatile.Read(ref _until);
            return until != Never && until > time.GetTimestamp();
        }
    }

    /// <summary>How much of the time is left; zero where none is.</summary>
    public TimeSpan Left
    {
        get
        {
            var until = Volatile.Read(ref _until);
            if (until == Never)
            {
                return TimeSpan.Zero;
            }

            var left = time.GetElapsedTime(time.GetTimestamp(), until);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>The destination asks for it. Of two wishes the one that ends later counts.</summary>
    /// <param name="retryAfter">For how long; at most <see cref="Longest"/> of it is followed, zero and less is no wish.</param>
    public void Ask(TimeSpan retryAfter)
    {
        if (retryAfter <= TimeSpan.Zero)
        {
            return;
        }

        var bounded = retryAfter < Longest ? retryAfter : Longest;
        var until = time.GetTimestamp() + (long)(bounded.TotalSeconds * time.TimestampFrequency);
        var seen = Volatile.Read(ref _until);
        while (seen < until)
        {
            var before = Interlocked.CompareExchange(ref _until, until, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
