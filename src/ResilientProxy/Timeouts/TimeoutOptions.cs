namespace ResilientProxy.Timeouts;

/// <summary>How long a route's requests may take, part by part.</summary>
/// <remarks>A value of <see cref="Timeout.InfiniteTimeSpan"/> (written <c>"off"</c>) removes the timer.</remarks>
internal sealed record TimeoutOptions
{
    /// <summary>From the request's arrival until the response headers go to the client, queueing, backoff and every attempt included. 1 ms to 24 h, or "off".</summary>
    [DurationRange("1ms", "24h", AllowOff = true)]
    public TimeSpan Total { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From starting to send one attempt until its response headers have arrived. 1 ms to 24 h, or "off".</summary>
    [DurationRange("1ms", "24h", AllowOff = true)]
    public TimeSpan Attempt { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest silence in both directions once the response headers are there, for upgraded connections too. 1 ms to 24 h, or "off".</summary>
    [DurationRange("1ms", "24h", AllowOff = true)]
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(60);
}
