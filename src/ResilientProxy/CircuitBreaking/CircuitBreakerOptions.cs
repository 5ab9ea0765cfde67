using System.ComponentModel.DataAnnotations;
using ResilientProxy.Timeouts;

namespace ResilientProxy.CircuitBreaking;

/// <summary>What shares one circuit.</summary>
internal enum CircuitBreakerScope
{
    /// <summary>All requests to one destination: the usual one.</summary>
    Destination,

    /// <summary>All requests of one route, whichever destination they go to.</summary>
    Route,

    /// <summary>The requests of one route to one destination: for routes that fail by themselves, such as one slow report.</summary>
    RouteDestination,

    /// <summary>All requests to the cluster.</summary>
    Cluster,
}

/// <summary>When a destination that fails is left alone, and for how long; the names are Polly's where it has one.</summary>
internal sealed record CircuitBreakerOptions
{
    /// <summary>What shares one circuit.</summary>
    public CircuitBreakerScope Scope { get; init; } = CircuitBreakerScope.Destination;

    /// <summary>Failures in a row that open the circuit; 0 to 1000, 0 not to look at them.</summary>
    [Range(0, 1000)]
    public int ConsecutiveFailures { get; init; } = 5;

    /// <summary>
    /// The share of failed attempts that opens the circuit; above 0 to 1, 0 not to look at it. It never takes more than half of a cluster's
    /// destinations out, and never the last one.
    /// </summary>
    [Range(0.0, 1.0)]
    public double FailureRatio { get; init; } = 0.5;

    /// <summary>Attempts in the sampling time below which the ratio says nothing; 1 to 1000000.</summary>
    [Range(1, 1_000_000)]
    public int MinimumThroughput { get; init; } = 20;

    /// <summary>The time the ratio looks back; 500 ms to 1 h.</summary>
    [DurationRange("500ms", "1h")]
    public TimeSpan SamplingDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an open circuit waits before one probe decides; 10 ms to 1 h. It doubles each time the destination fails again.</summary>
    [DurationRange("10ms", "1h")]
    public TimeSpan BreakDuration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait, however often it doubled; 10 ms to 24 h, and not shorter than <see cref="BreakDuration"/>.</summary>
    [DurationRange("10ms", "24h")]
    public TimeSpan MaxBreakDuration { get; init; } = TimeSpan.FromSeconds(60);
}
