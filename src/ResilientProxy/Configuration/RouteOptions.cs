using ResilientProxy.Timeouts;

namespace ResilientProxy.Configuration;

/// <summary>The policy in force for one route: built-in defaults, then the named policy, then the route's own <c>Resilience</c> object.</summary>
internal sealed record RouteOptions
{
    /// <summary>How long the route's requests may take.</summary>
    public TimeoutOptions Timeouts { get; init; } = new();
}
