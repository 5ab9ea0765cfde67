namespace ResilientProxy.RateLimiting;

/// <summary>One algorithm over the state of a partition; the state of one that has never been seen is the default value.</summary>
/// <typeparam name="TState">What is kept of a partition: as little as possible, there may be very many.</typeparam>
internal interface ILimit<TState>
    where TState : struct
{
    /// <summary>Asks for one permit.</summary>
    /// <param name="state">The partition's state; nobody else uses it meanwhile.</param>
    /// <param name="now">The time, in units of <see cref="LimitClock"/>.</param>
    RateLimitVerdict Take(ref TState state, long now);

    /// <summary>From when the state says no more than the default value does, and may be forgotten without anybody noticing.</summary>
    /// <param name="state">The partition's state.</param>
    long IdleFrom(in TState state);
}
