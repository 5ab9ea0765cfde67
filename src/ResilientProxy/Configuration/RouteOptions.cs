using ResilientProxy.Bulkhead;
using ResilientProxy.Fallback;
using ResilientProxy.Hedging;
using ResilientProxy.RateLimiting;
using ResilientProxy.Retry;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Configuration;

/// <summary>The policy in force for one route: built-in defaults, then the named policy, then the route's own <c>Resilience</c> object.</summary>
internal sealed record RouteOptions
{
    /// <summary>The policy whose values hold where the route says nothing: one of <c>Resilience.Policies</c>, or the built-in "standard" (the default) or "none".</summary>
    public string? Policy { get; init; }

    /// <summary>Whether the route forwards like plain YARP: then the cluster's circuits and bulkhead are not for it either.</summary>
    public bool IsPlain => string.Equals(Policy, "none", StringComparison.OrdinalIgnoreCase);

    /// <summary>How long the route's requests may take.</summary>
    public TimeoutOptions Timeouts { get; init; } = new();

    /// <summary>How a caller says until when it waits; "off" leaves <c>grpc-timeout</c> alone as the one way.</summary>
    public DeadlineOptions? Deadline { get; init; }

    /// <summary>Whether a failed attempt is followed by another one; "off" for never.</summary>
    public RetryOptions? Retry { get; init; } = new();

    /// <summary>Whether a slow attempt gets another one beside it; off unless written.</summary>
    public HedgingOptions? Hedging { get; init; }

    /// <summary>How many of the route's requests are served at once; off unless written.</summary>
    public BulkheadOptions? Bulkhead { get; init; }

    /// <summary>What a caller gets in place of a failure; off unless written.</summary>
    public FallbackOptions? Fallback { get; init; }

    /// <summary>How many requests the route takes from its clients; "off", the default, for any number.</summary>
    public RateLimiterOptions? RateLimiter { get; init; }
}
