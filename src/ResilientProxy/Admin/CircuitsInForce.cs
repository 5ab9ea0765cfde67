using ResilientProxy.CircuitBreaking;
using ResilientProxy.Forwarding;

namespace ResilientProxy.Admin;

/// <summary>Which circuits stand before a destination: the one its cluster's routes share, and those that routes have for themselves.</summary>
internal static class CircuitsInForce
{
    /// <summary>The circuits of one destination, none of them twice.</summary>
    /// <param name="model">What is in force.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="destination">The destination's place in it.</param>
    public static IReadOnlyList<CircuitBreaker> Of(ProxyModel model, ProxyCluster cluster, int destination) =>
        [.. Sets(model, cluster).Select(circuits => circuits[destination]).Distinct()];

    /// <summary>The other destinations that some of these circuits stand before too.</summary>
    /// <param name="model">What is in force.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="circuits">The circuits.</param>
    /// <param name="destination">The destination's place.</param>
    public static IReadOnlyList<string> Others(ProxyModel model, ProxyCluster cluster, IReadOnlyList<CircuitBreaker> circuits, int destination) =>
        [.. cluster.Destinations.Where((_, other) => other != destination && Of(model, cluster, other).Intersect(circuits).Any()).Select(other => other.Id)];

    private static IEnumerable<CircuitBreaker[]> Sets(ProxyModel model, ProxyCluster cluster)
    {
        if (cluster.Circuits is { } own)
        {
            yield return own;
        }

        foreach (var route in model.Routes.Values)
        {
            if (ReferenceEquals(route.Primary.Cluster, cluster) && route.Primary.Circuits is { } primary)
            {
                yield return primary;
            }

            if (route.Fallback?.Backup is { Circuits: { } backup } target && ReferenceEquals(target.Cluster, cluster))
            {
                yield return backup;
            }
        }
    }
}
