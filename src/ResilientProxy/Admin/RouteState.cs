using ResilientProxy.Forwarding;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Admin;

/// <summary>A route as the state shows it.</summary>
/// <param name="Cluster">Where its requests go.</param>
/// <param name="InFlight">Requests whose response has not ended.</param>
/// <param name="Queued">Requests that wait for a place.</param>
/// <param name="Limit">Requests served at once; null for any number.</param>
/// <param name="Requests">Requests that ended, since the route is in the config, by outcome.</param>
/// <param name="Last10s">What came in the last ten seconds.</param>
/// <param name="LastMinute">What came in the last minute.</param>
/// <param name="Retries">Further attempts, by what had failed.</param>
/// <param name="RetriesStopped">Failed attempts that none followed, by why not.</param>
/// <param name="Rescued">Requests that ended well although an attempt had failed, by what rescued them.</param>
/// <param name="Hedges">Hedges, by outcome.</param>
/// <param name="Timeouts">Timers that ran out, by kind.</param>
/// <param name="Breakers">The route's own circuit breakers by destination; null where the cluster's are shared, or there are none.</param>
internal sealed record RouteState(
    string Cluster,
    long InFlight,
    long Queued,
    long? Limit,
    IReadOnlyDictionary<string, long> Requests,
    RecentLoad Last10s,
    RecentLoad LastMinute,
    IReadOnlyDictionary<string, long> Retries,
    IReadOnlyDictionary<string, long> RetriesStopped,
    IReadOnlyDictionary<string, long> Rescued,
    IReadOnlyDictionary<string, long> Hedges,
    IReadOnlyDictionary<string, long> Timeouts,
    IReadOnlyDictionary<string, BreakerState>? Breakers)
{
    /// <summary>A route at this moment.</summary>
    /// <param name="route">The route.</param>
    /// <param name="history">What was before.</param>
    public static RouteState Of(ProxyRoute route, LoadHistory history)
    {
        var metrics = route.Metrics;
        var reading = LoadReading.Of(metrics);
        return new(
            route.Cluster.Id,
            metrics.InFlight,
            route.Bulkhead?.Queued ?? 0,
            route.Bulkhead?.Limit,
            Enum.GetValues<RequestOutcome>().ToDictionary(static outcome => outcome.Word(), metrics.Ended),
            history.Recent(metrics, reading, TimeSpan.FromSeconds(10)),
            history.Recent(metrics, reading, LoadHistory.Longest),
            metrics.RetriesByReason,
            metrics.RetriesStoppedByReason,
            metrics.RescuedBy,
            metrics.HedgesByOutcome,
            metrics.TimeoutsByKind,
            Own(route.Primary));
    }

    private static Dictionary<string, BreakerState>? Own(RouteTarget target) =>
        target.Circuits is not { } circuits || ReferenceEquals(circuits, target.Cluster.Circuits)
            ? null
            : target.Cluster.Destinations.Index().ToDictionary(place => place.Item.Id, place => BreakerState.Of(circuits[place.Index]));
}
