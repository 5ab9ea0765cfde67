namespace ResilientProxy.RateLimiting;

/// <summary>What a limiter says of one request.</summary>
/// <param name="IsAdmitted">Whether it may go on; a permit is then taken.</param>
/// <param name="Remaining">Requests of its partition that may follow at once.</param>
/// <param name="UntilMore">Units of <see cref="LimitClock"/> until one more may.</param>
internal readonly record struct RateLimitVerdict(bool IsAdmitted, long Remaining, long UntilMore)
{
    /// <summary>Seconds until one more request may come, rounded up: an earlier one would be refused.</summary>
    public int SecondsUntilMore => LimitClock.SecondsUp(UntilMore);
}
