using ResilientProxy.Bulkhead;
using ResilientProxy.CircuitBreaking;

namespace ResilientProxy.Configuration;

/// <summary>What protects a cluster's destinations: the cluster's <c>Resilience</c> object.</summary>
internal sealed record ClusterOptions
{
    /// <summary>Longest time to open a connection, TCP and TLS together. 1 ms to 10 min, or "off".</summary>
    [Timeouts.DurationRange("1ms", "10m", AllowOff = true)]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>When a destination that fails is left alone, and for how long; "off" for never.</summary>
    public CircuitBreakerOptions? CircuitBreaker { get; init; } = new();

    /// <summary>How many requests are served at once by the cluster and by each destination; "off" for any number.</summary>
    public ClusterBulkheadOptions? Bulkhead { get; init; } = new();
}
