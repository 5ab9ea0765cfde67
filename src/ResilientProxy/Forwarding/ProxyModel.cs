using ResilientProxy.Configuration;
using ResilientProxy.LoadBalancing;
using ResilientProxy.Retry;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Configuration;
using RouteOptions = ResilientProxy.Configuration.RouteOptions;

namespace ResilientProxy.Forwarding;

/// <summary>One route as it is in force: an immutable snapshot that a request takes with it from its arrival to its end.</summary>
/// <param name="Id">The route's name.</param>
/// <param name="Options">The policy in force.</param>
/// <param name="Cluster">Where its requests go.</param>
/// <param name="Target">How the request target is written for the upstream.</param>
/// <param name="Retry">Its retries, with the budget they share; null where there are none.</param>
/// <param name="RateLimit">What bounds its requests; null where nothing does.</param>
/// <param name="MaxRequestBodySize">The largest request body in bytes; null for none.</param>
/// <param name="Metrics">The route's own series.</param>
/// <param name="Digest">Changes exactly when the route, its policy or its cluster changes.</param>
internal sealed record ProxyRoute(
    string Id,
    RouteOptions Options,
    ProxyCluster Cluster,
    RequestTarget Target,
    RetryPolicy? Retry,
    RateLimit? RateLimit,
    long? MaxRequestBodySize,
    RouteMetrics Metrics,
    string Digest);

/// <summary>One cluster as it is in force.</summary>
/// <param name="Id">The cluster's name.</param>
/// <param name="Options">What protects its destinations.</param>
/// <param name="Client">Its connections.</param>
/// <param name="Destinations">Its destinations, ordered by name.</param>
/// <param name="Selector">How one of them is chosen.</param>
/// <param name="Request">YARP's <c>HttpRequest</c> settings: the HTTP version to speak.</param>
/// <param name="Digest">Changes exactly when something of the cluster changes.</param>
internal sealed record ProxyCluster(
    string Id,
    ClusterOptions Options,
    UpstreamClient Client,
    ProxyDestination[] Destinations,
    DestinationSelector Selector,
    Yarp.ReverseProxy.Forwarder.ForwarderRequestConfig Request,
    string Digest)
{
    /// <summary>The loads of the destinations, in their order.</summary>
    public DestinationLoad[] Loads { get; } = [.. Destinations.Select(static destination => destination.Load)];
}

/// <summary>Everything in force at one moment: what <see cref="ProxyModelStore"/> swaps as a whole.</summary>
/// <param name="Config">The config it was built from.</param>
/// <param name="Routes">The routes by name.</param>
/// <param name="Clusters">The clusters by name.</param>
/// <param name="YarpRoutes">The routes as YARP gets them.</param>
/// <param name="YarpClusters">The clusters as YARP gets them.</param>
internal sealed record ProxyModel(
    ProxyConfig Config,
    IReadOnlyDictionary<string, ProxyRoute> Routes,
    IReadOnlyDictionary<string, ProxyCluster> Clusters,
    IReadOnlyList<RouteConfig> YarpRoutes,
    IReadOnlyList<ClusterConfig> YarpClusters);
