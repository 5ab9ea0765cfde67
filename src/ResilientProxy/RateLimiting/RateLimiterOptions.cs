using System.ComponentModel.DataAnnotations;
using ResilientProxy.Timeouts;

namespace ResilientProxy.RateLimiting;

/// <summary>How permits come back.</summary>
internal enum RateLimiterAlgorithm
{
    /// <summary>Steadily, one after the other; what is unused adds up to <see cref="RateLimiterOptions.Burst"/>.</summary>
    TokenBucket,

    /// <summary>All at once, a window after the first request; up to twice the limit may come around the end of a window.</summary>
    FixedWindow,

    /// <summary>Each a window after it was taken, so that no window of any start has more; up to an eighth of the window late.</summary>
    SlidingWindow,
}

/// <summary>How many requests a route takes from one partition of its clients; the rest gets 429.</summary>
internal sealed record RateLimiterOptions
{
    /// <summary>How permits come back: steadily, by windows, or by windows that slide.</summary>
    public RateLimiterAlgorithm Algorithm { get; init; }

    /// <summary>Requests a window and partition; 1 to 1000000000.</summary>
    [Range(1, 1_000_000_000)]
    public int PermitLimit { get; init; } = 100;

    /// <summary>The time the limit is for; 10 ms to 24 h.</summary>
    [DurationRange("10ms", "24h")]
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Requests that may come at once after a quiet time, for TokenBucket; 1 to 1000000000, PermitLimit where it is not set.</summary>
    [Range(1, 1_000_000_000)]
    public int? Burst { get; init; }

    /// <summary>What requests share a limit: "route" for all of them, "client-ip" for those of one address (an IPv6 network of /64), "header:NAME" for those with the same value.</summary>
    public RateLimiterPartition PartitionBy { get; init; } = RateLimiterPartition.Route;
}
