using ResilientProxy.Forwarding;

namespace ResilientProxy.Admin;

/// <summary>A destination as the state shows it.</summary>
/// <param name="Health">What its health checks say.</param>
/// <param name="Breaker">The circuit breaker before it: where several are, the one that keeps most away; null where none is.</param>
/// <param name="InFlight">Attempts that have not ended.</param>
/// <param name="Limit">Attempts at a time; null for any number.</param>
/// <param name="BackpressureSeconds">How long it still asks to be left alone (429, or 503 with Retry-After), in seconds; 0 where it does not.</param>
/// <param name="Attempts">Attempts that ended, by outcome.</param>
/// <param name="Last10s">What came in the last ten seconds.</param>
/// <param name="LastMinute">What came in the last minute.</param>
internal sealed record DestinationState(
    DestinationHealthState Health,
    BreakerState? Breaker,
    long InFlight,
    long? Limit,
    double BackpressureSeconds,
    IReadOnlyDictionary<string, long> Attempts,
    RecentLoad Last10s,
    RecentLoad LastMinute)
{
    /// <summary>A destination at this moment.</summary>
    /// <param name="model">What is in force.</param>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="place">Its place there.</param>
    /// <param name="history">What was before.</param>
    public static DestinationState Of(ProxyModel model, ProxyCluster cluster, int place, LoadHistory history)
    {
        var destination = cluster.Destinations[place];
        var metrics = destination.Metrics;
        var reading = LoadReading.Of(metrics);
        return new(
            DestinationHealthState.Of(destination),
            BreakerState.WorstOf(CircuitsInForce.Of(model, cluster, place)),
            metrics.InFlight,
            cluster.MaxConcurrentPerDestination == int.MaxValue ? null : cluster.MaxConcurrentPerDestination,
            Math.Round(destination.Backpressure.Left.TotalSeconds, 1),
            metrics.AttemptsByOutcome,
            history.Recent(metrics, reading, TimeSpan.FromSeconds(10)),
            history.Recent(metrics, reading, LoadHistory.Longest));
    }
}
