using ResilientProxy.CircuitBreaking;

namespace ResilientProxy.Forwarding;

/// <summary>Where a route's requests go: a cluster, and what this route sees of its protection.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Circuits">A circuit for each of the cluster's destinations, in their order, some or all of them the same one; null where there are none.</param>
/// <param name="IsProtected">Whether the cluster's bulkheads count: not for a route of the policy "none".</param>
internal sealed record RouteTarget(ProxyCluster Cluster, CircuitBreaker[]? Circuits, bool IsProtected)
{
    /// <summary>How many requests the cluster serves at once; null for any number.</summary>
    public Bulkhead.Bulkhead? Bulkhead => IsProtected ? Cluster.Bulkhead : null;

    /// <summary>The most attempts at one destination at a time.</summary>
    public int MaxConcurrentPerDestination { get; } = IsProtected ? Cluster.MaxConcurrentPerDestination : int.MaxValue;
}
