using Microsoft.Extensions.Logging.Abstractions;
using ResilientProxy.Configuration;
using ResilientProxy.LoadBalancing;
using ResilientProxy.Retry;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Forwarding;

/// <summary>Builds the model of a config from the one before: what did not change keeps its objects, and with them connections and state.</summary>
internal sealed class ProxyModelStore(ProxyMetrics metrics, TimeProvider time)
{
    // Stamped into YARP's route records: YARP makes a new endpoint for a route exactly when its record changed.
    private const string DigestKey = "resilient-proxy.digest";

    private volatile ProxyModel? _current;

    /// <summary>The log of what the model's parts find out later; set once, before the first model is built.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>What is in force; null before the first config.</summary>
    public ProxyModel? Current => _current;

    /// <summary>Builds the model of a config; nothing takes effect yet.</summary>
    /// <param name="config">A checked config.</param>
    public ProxyModel Build(ProxyConfig config)
    {
        var clusters = config.Clusters.ToDictionary(entry => entry.Yarp.ClusterId, BuildCluster, StringComparer.OrdinalIgnoreCase);
        var routes = config.Routes.ToDictionary(entry => entry.Yarp.RouteId, entry => BuildRoute(entry, clusters), StringComparer.OrdinalIgnoreCase);
        return new(
            config,
            routes,
            clusters,
            [.. config.Routes.Select(entry => Stamp(entry.Yarp, routes[entry.Yarp.RouteId].Digest))],
            [.. config.Clusters.Select(entry => entry.Yarp)]);
    }

    /// <summary>Puts a model in force for the endpoints that are made from now on.</summary>
    /// <param name="model">The model.</param>
    public void Use(ProxyModel model)
    {
        _current = model;
        metrics.Retain(
            model.Routes.Values.Select(route => (route.Id, route.Cluster.Id)),
            model.Clusters.Values.SelectMany(cluster => cluster.Destinations.Select(destination => (cluster.Id, destination.Id))));
    }

    private ProxyRoute BuildRoute(RouteEntry entry, Dictionary<string, ProxyCluster> clusters)
    {
        var cluster = clusters[entry.Yarp.ClusterId!];
        var digest = $"{entry.Digest}+{cluster.Digest}";
        if (_current?.Routes.GetValueOrDefault(entry.Yarp.RouteId) is { } before && before.Digest == digest && ReferenceEquals(before.Cluster, cluster))
        {
            return before;
        }

        return new(
            entry.Yarp.RouteId,
            entry.Options,
            cluster,
            new RequestTarget(entry.Yarp),
            RetryOf(entry),
            entry.Yarp.MaxRequestBodySize,
            metrics.ForRoute(entry.Yarp.RouteId, cluster.Id),
            digest);
    }

    // The budget goes on where the retries did not change: records compare by value, their lists do not.
    private RetryPolicy? RetryOf(RouteEntry entry)
    {
        if (entry.Options.Retry is not { } options)
        {
            return null;
        }

        var before = _current?.Routes.GetValueOrDefault(entry.Yarp.RouteId)?.Retry;
        var same = before is not null
            && before.Options.On.SequenceEqual(options.On) && before.Options.Methods.SequenceEqual(options.Methods)
            && before.Options with { On = options.On, Methods = options.Methods } == options;
        return same ? before : new RetryPolicy(options, time);
    }

    private ProxyCluster BuildCluster(ClusterEntry entry)
    {
        var id = entry.Yarp.ClusterId;
        var before = _current?.Clusters.GetValueOrDefault(id);
        if (before?.Digest == entry.Digest)
        {
            return before;
        }

        var written = _current?.Config.Clusters.FirstOrDefault(cluster => string.Equals(cluster.Yarp.ClusterId, id, StringComparison.OrdinalIgnoreCase));
        var keepsClient = before is not null && written?.Yarp.HttpClient == entry.Yarp.HttpClient
            && before.Options.ConnectTimeout == entry.Options.ConnectTimeout
            && before.Options.MaxResponseHeaderBytes == entry.Options.MaxResponseHeaderBytes
            && before.Options.Tls == entry.Options.Tls;
        return new(
            id,
            entry.Options,
            keepsClient ? before!.Client : UpstreamClient.Create(id, entry.Yarp.HttpClient, entry.Options, time, metrics, Logger),
            [.. (entry.Yarp.Destinations ?? new Dictionary<string, DestinationConfig>())
                .OrderBy(destination => destination.Key, StringComparer.OrdinalIgnoreCase)
                .Select(destination => BuildDestination(id, destination.Key, destination.Value, before))],
            before is not null && written?.Yarp.LoadBalancingPolicy == entry.Yarp.LoadBalancingPolicy
                ? before.Selector
                : new DestinationSelector(entry.Yarp.LoadBalancingPolicy),
            entry.Yarp.HttpRequest ?? ForwarderRequestConfig.Empty,
            entry.Digest);
    }

    private ProxyDestination BuildDestination(string cluster, string id, DestinationConfig config, ProxyCluster? before)
    {
        var known = before?.Destinations.FirstOrDefault(destination =>
            string.Equals(destination.Id, id, StringComparison.OrdinalIgnoreCase)
            && string.Equals(destination.Address, config.Address, StringComparison.OrdinalIgnoreCase));
        return known ?? new(id, config.Address, metrics.ForDestination(cluster, id));
    }

    private static RouteConfig Stamp(RouteConfig route, string digest) =>
        route with { Metadata = new Dictionary<string, string>(route.Metadata ?? new Dictionary<string, string>()) { [DigestKey] = digest } };
}
