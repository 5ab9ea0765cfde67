using ResilientProxy.Bulkhead;
using ResilientProxy.CircuitBreaking;
using ResilientProxy.Health;
using ResilientProxy.Tls;
using ResilientProxy.Values;

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

    /// <summary>What the results of active checks mean, where <c>HealthCheck.Active</c> is enabled; "off" for no checks at all.</summary>
    public HealthCheckOptions? HealthCheck { get; init; } = new();

    /// <summary>All the headers of one response together; 1 KiB to 16 MiB, in steps of 1 KiB. More: 502, <c>http_protocol_error</c>.</summary>
    [SizeRange("1KiB", "16MiB")]
    public int MaxResponseHeaderBytes { get; init; } = 64 * 1024;

    /// <summary>How https destinations are known, and how the proxy makes itself known to them; the system's own authorities and no certificate by default.</summary>
    public UpstreamTlsOptions? Tls { get; init; }
}
