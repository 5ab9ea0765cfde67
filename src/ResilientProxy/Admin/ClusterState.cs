using ResilientProxy.Forwarding;

namespace ResilientProxy.Admin;

/// <summary>A cluster as the state shows it.</summary>
/// <param name="InFlight">Its requests that are served at this moment; attempts, where no limit counts requests.</param>
/// <param name="Queued">Requests that wait for a place.</param>
/// <param name="Limit">Requests served at once; null for any number.</param>
/// <param name="Destinations">Its destinations by name.</param>
internal sealed record ClusterState(long InFlight, long Queued, long? Limit, IReadOnlyDictionary<string, DestinationState> Destinations)
{
    /// <summary>A cluster at this moment.</summary>
    /// <param name="model">What is in force.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="history">What was before.</param>
    public static ClusterState Of(ProxyModel model, ProxyCluster cluster, LoadHistory history) => new(
        cluster.Bulkhead?.InFlight ?? cluster.Destinations.Sum(destination => destination.Metrics.InFlight),
        cluster.Bulkhead?.Queued ?? 0,
        cluster.Bulkhead?.Limit,
        cluster.Destinations.Index().ToDictionary(place => place.Item.Id, place => DestinationState.Of(model, cluster, place.Index, history)));
}
