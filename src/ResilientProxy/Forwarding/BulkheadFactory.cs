using ResilientProxy.Bulkhead;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Forwarding;

/// <summary>Makes the bulkheads of routes and clusters, each with its series.</summary>
internal sealed class BulkheadFactory(ProxyMetrics metrics, TimerSweep sweep)
{
    /// <summary>A route's bulkhead.</summary>
    /// <param name="route">The route's name.</param>
    /// <param name="settings">What it goes by; null where there is none.</param>
    /// <param name="before">The route's bulkhead so far: it is kept, with all that are in it.</param>
    public Bulkhead.Bulkhead? ForRoute(string route, BulkheadSettings? settings, Bulkhead.Bulkhead? before) =>
        settings is null ? null : before ?? Create(MetricScope.Route(route), settings);

    /// <summary>A cluster's bulkhead.</summary>
    /// <param name="cluster">The cluster's name.</param>
    /// <param name="settings">What it goes by; null where there is none.</param>
    /// <param name="before">The cluster's bulkhead so far: it is kept, with all that are in it.</param>
    public Bulkhead.Bulkhead? ForCluster(string cluster, BulkheadSettings? settings, Bulkhead.Bulkhead? before) =>
        settings is null ? null : before ?? Create(MetricScope.Cluster(cluster), settings);

    private Bulkhead.Bulkhead Create(string scope, BulkheadSettings settings)
    {
        var bulkhead = new Bulkhead.Bulkhead(settings, sweep);
        metrics.Bulkheads.Observe(scope, () => new BulkheadReading(bulkhead.InFlight, bulkhead.Queued, bulkhead.Limit, bulkhead.RejectedFull, bulkhead.RejectedByQueueTimeout));
        return bulkhead;
    }
}
