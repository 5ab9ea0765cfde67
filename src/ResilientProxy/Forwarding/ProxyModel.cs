using ResilientProxy.CircuitBreaking;
using ResilientProxy.Configuration;
using ResilientProxy.Hedging;
using ResilientProxy.LoadBalancing;
using ResilientProxy.Retry;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Configuration;
using RouteOptions = ResilientProxy.Configuration.RouteOptions;

namespace ResilientProxy.Forwarding;

/// <summary>One route as it is in force: an immutable snapshot that a request takes with it from its arrival to its end.</summary>
/// <param name="Id">The route's name.</param>
/// <param name="Options">The policy in force.</param>
/// <param name="Primary">Where its requests go.</param>
/// <param name="Target">How the request target is written for the upstream.</param>
/// <param name="MaxRequestBodySize">The largest request body in bytes; null for none.</param>
/// <param name="Metrics">The route's own series.</param>
/// <param name="Digest">Changes exactly when the route, its policy or a cluster it uses changes.</param>
internal sealed record ProxyRoute(
    string Id,
    RouteOptions Options,
    RouteTarget Primary,
    RequestTarget Target,
    long? MaxRequestBodySize,
    RouteMetrics Metrics,
    string Digest)
{
    /// <summary>Where its requests go.</summary>
    public ProxyCluster Cluster => Primary.Cluster;

    /// <summary>What bounds its requests; null where nothing does.</summary>
    public RateLimit? RateLimit { get; init; }

    /// <summary>How many of its requests are served at once; null for any number.</summary>
    public Bulkhead.Bulkhead? Bulkhead { get; init; }

    /// <summary>Its retries, with the budget they share; null where there are none.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>Its hedging, with what it has learned; null where there is none.</summary>
    public HedgingPolicy? Hedging { get; init; }

    /// <summary>What its callers get in place of a failure; null for the failure.</summary>
    public FallbackPolicy? Fallback { get; init; }

    /// <summary>Whether a request of this method may reach an upstream twice: by the retries' list, or else by RFC 9110 section 9.2.2.</summary>
    /// <param name="method">The method.</param>
    public bool MayRepeat(string method) => Retry?.MayRepeat(method) ?? IsIdempotent(method);

    /// <summary>Whether a method is idempotent by RFC 9110 section 9.2.2.</summary>
    /// <param name="method">The method.</param>
    public static bool IsIdempotent(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method)
        || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method);
}

/// <summary>One cluster as it is in force.</summary>
/// <param name="Id">The cluster's name.</param>
/// <param name="Options">What protects its destinations.</param>
/// <param name="Client">Its connections.</param>
/// <param name="Destinations">Its destinations, ordered by name.</param>
/// <param name="Circuits">The circuits that all its routes share, in the order of the destinations; null where each route has its own, or none.</param>
/// <param name="Bulkhead">How many requests it serves at once; null for any number.</param>
/// <param name="Selector">How one of the destinations is chosen.</param>
/// <param name="Request">YARP's <c>HttpRequest</c> settings: the HTTP version to speak.</param>
/// <param name="Digest">Changes exactly when something of the cluster changes.</param>
internal sealed record ProxyCluster(
    string Id,
    ClusterOptions Options,
    UpstreamClient Client,
    ProxyDestination[] Destinations,
    CircuitBreaker[]? Circuits,
    Bulkhead.Bulkhead? Bulkhead,
    DestinationSelector Selector,
    Yarp.ReverseProxy.Forwarder.ForwarderRequestConfig Request,
    string Digest)
{
    /// <summary>The cluster as YARP has it.</summary>
    public required ClusterConfig Written { get; init; }

    /// <summary>The loads of the destinations, in their order.</summary>
    public DestinationLoad[] Loads { get; } = [.. Destinations.Select(static destination => destination.Load)];

    /// <summary>The most attempts at one destination at a time.</summary>
    public int MaxConcurrentPerDestination { get; } = Options.Bulkhead?.MaxConcurrentPerDestination ?? int.MaxValue;
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
