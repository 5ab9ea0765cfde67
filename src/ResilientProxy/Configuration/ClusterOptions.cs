using ResilientProxy.Health;

namespace ResilientProxy.Configuration;

/// <summary>What protects a cluster's destinations: the cluster's <c>Resilience</c> object.</summary>
internal sealed record ClusterOptions
{
    /// <summary>Longest time to open a connection, TCP and TLS together. 1 ms to 10 min, or "off".</summary>
    [Timeouts.DurationRange("1ms", "10m", AllowOff = true)]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>What the results of active checks mean, where <c>HealthCheck.Active</c> is enabled; "off" for no checks at all.</summary>
    public HealthCheckOptions? HealthCheck { get; init; } = new();
}
