using Microsoft.Extensions.Logging.Abstractions;
using ResilientProxy.Configuration;
using ResilientProxy.Health;
using ResilientProxy.Hedging;
using ResilientProxy.LoadBalancing;
using ResilientProxy.RateLimiting;
using ResilientProxy.Retry;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Forwarding;

/// <summary>Builds the model of a config from the one before: what did not change keeps its objects, and with them connections and state.</summary>
internal sealed class ProxyModelStore(
    ProxyMetrics metrics, CircuitFactory circuits, BulkheadFactory bulkheads, HealthMonitor health, TimeProvider time)
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
            [.. config.Clusters.Select(entry => ForYarp(entry.Yarp))]);
    }

    /// <summary>Puts a model in force for the endpoints that are made from now on.</summary>
    /// <param name="model">The model.</param>
    public void Use(ProxyModel model)
    {
        _current = model;
        var scopes = Limit(model);
        foreach (var entry in model.Config.Clusters)
        {
            foreach (var destination in model.Clusters[entry.Yarp.ClusterId].Destinations)
            {
                destination.SlowStart = entry.Options.HealthCheck?.SlowStart ?? TimeSpan.Zero;
                destination.Load.Weight = entry.Destinations[destination.Id].Weight;
            }
        }

        health.Apply(HealthPlans.Of(model, time));
        metrics.Retain(
            model.Routes.Values.Select(route => (route.Id, route.Cluster.Id)),
            model.Clusters.Values.SelectMany(cluster => cluster.Destinations.Select(destination => (cluster.Id, destination.Id))));
        metrics.Bulkheads.Retain(scopes);
    }

    // Bulkheads are kept across models, so that what is in flight stays counted: their settings change when the model does.
    private HashSet<string> Limit(ProxyModel model)
    {
        var scopes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var route in model.Routes.Values)
        {
            if (route.Options.Bulkhead is { } options)
            {
                route.Bulkhead!.Update(options.Settings());
                scopes.Add(MetricScope.Route(route.Id));
            }
        }

        foreach (var cluster in model.Clusters.Values)
        {
            if (cluster.Options.Bulkhead is { } options)
            {
                cluster.Bulkhead!.Update(options.Settings());
                scopes.Add(MetricScope.Cluster(cluster.Id));
                foreach (var destination in cluster.Destinations)
                {
                    var scope = MetricScope.Destination(cluster.Id, destination.Id);
                    metrics.Bulkheads.Observe(scope, () => new(destination.Load.InFlight, 0, cluster.MaxConcurrentPerDestination, destination.RejectedFull, 0));
                    scopes.Add(scope);
                }
            }
        }

        return scopes;
    }

    private ProxyRoute BuildRoute(RouteEntry entry, Dictionary<string, ProxyCluster> clusters)
    {
        var cluster = clusters[entry.Yarp.ClusterId!];
        var backup = entry.Options.Fallback?.ClusterId is { } backupId ? clusters[backupId] : null;
        var digest = $"{entry.Digest}+{cluster.Digest}+{backup?.Digest}";
        var before = _current?.Routes.GetValueOrDefault(entry.Yarp.RouteId);
        if (before is not null && before.Digest == digest && ReferenceEquals(before.Cluster, cluster)
            && ReferenceEquals(before.Fallback?.Backup?.Cluster, backup))
        {
            return before;
        }

        var id = entry.Yarp.RouteId;
        var routeMetrics = metrics.ForRoute(id, cluster.Id);
        var rateLimit = RateLimitOf(entry);
        if (rateLimit is not null)
        {
            routeMetrics.ShowRateLimiter();
        }

        return new(
            id,
            entry.Options,
            circuits.ForRoute(cluster, entry.Options, before?.Primary),
            new RequestTarget(entry.Yarp),
            entry.Yarp.MaxRequestBodySize,
            routeMetrics,
            digest)
        {
            RateLimit = rateLimit,
            Bulkhead = bulkheads.ForRoute(id, entry.Options.Bulkhead?.Settings(), before?.Bulkhead),
            Retry = RetryOf(entry.Options.Retry, before?.Retry),
            Hedging = entry.Options.Hedging is not { } hedging ? null : before?.Hedging is { } same && same.Options == hedging ? same : new HedgingPolicy(hedging, time),
            Fallback = entry.Options.Fallback is { } fallback
                ? new FallbackPolicy(fallback, backup is null ? null : circuits.ForRoute(backup, entry.Options, before?.Fallback?.Backup))
                : null,
        };
    }

    // The budget goes on where the retries did not change: records compare by value, their lists do not.
    private RetryPolicy? RetryOf(RetryOptions? options, RetryPolicy? before)
    {
        if (options is null)
        {
            return null;
        }

        var same = before is not null
            && before.Options.On.SequenceEqual(options.On) && before.Options.Methods.SequenceEqual(options.Methods)
            && before.Options with { On = options.On, Methods = options.Methods } == options;
        return same ? before : new RetryPolicy(options, time);
    }

    // What its clients have used goes on being used where the limit did not change.
    private RateLimit? RateLimitOf(RouteEntry entry)
    {
        if (entry.Options.RateLimiter is not { } options)
        {
            return null;
        }

        var before = _current?.Routes.GetValueOrDefault(entry.Yarp.RouteId)?.RateLimit;
        return before?.Limiter.Options == options
            ? before
            : new(RouteRateLimiter.Create(options, time), new RateLimitFields(entry.Yarp.RouteId, options));
    }

    private ProxyCluster BuildCluster(ClusterEntry entry)
    {
        var id = entry.Yarp.ClusterId;
        var before = _current?.Clusters.GetValueOrDefault(id);
        if (before?.Digest == entry.Digest)
        {
            return before;
        }

        var written = before?.Written;
        var keepsClient = before is not null && written?.HttpClient == entry.Yarp.HttpClient
            && before.Options.ConnectTimeout == entry.Options.ConnectTimeout
            && before.Options.MaxResponseHeaderBytes == entry.Options.MaxResponseHeaderBytes
            && before.Options.Tls == entry.Options.Tls;
        ProxyDestination[] destinations = [.. (entry.Yarp.Destinations ?? new Dictionary<string, DestinationConfig>())
            .OrderBy(destination => destination.Key, StringComparer.OrdinalIgnoreCase)
            .Select(destination => BuildDestination(id, destination.Key, destination.Value, before))];
        return new(
            id,
            entry.Options,
            keepsClient ? before!.Client : UpstreamClient.Create(id, entry.Yarp.HttpClient, entry.Options, time, metrics, Logger),
            destinations,
            circuits.ForCluster(id, entry.Options, destinations, before),
            bulkheads.ForCluster(id, entry.Options.Bulkhead?.Settings(), before?.Bulkhead),
            before is not null && written?.LoadBalancingPolicy == entry.Yarp.LoadBalancingPolicy
                ? before.Selector
                : new DestinationSelector(entry.Yarp.LoadBalancingPolicy, time),
            entry.Yarp.HttpRequest ?? ForwarderRequestConfig.Empty,
            entry.Digest)
        {
            Written = entry.Yarp,
        };
    }

    private ProxyDestination BuildDestination(string cluster, string id, DestinationConfig config, ProxyCluster? before)
    {
        var known = before?.Destinations.FirstOrDefault(destination =>
            string.Equals(destination.Id, id, StringComparison.OrdinalIgnoreCase)
            && string.Equals(destination.Address, config.Address, StringComparison.OrdinalIgnoreCase));
        return known ?? new(id, config.Address, metrics.ForDestination(cluster, id), time);
    }

    // Checks and balancing are ours: YARP must neither make its own checks, nor leave a destination out by what it knows, nor look for policies
    // that it does not have.
    private static ClusterConfig ForYarp(ClusterConfig cluster) => cluster with { HealthCheck = null, LoadBalancingPolicy = null };

    private static RouteConfig Stamp(RouteConfig route, string digest) =>
        route with { Metadata = new Dictionary<string, string>(route.Metadata ?? new Dictionary<string, string>()) { [DigestKey] = digest } };
}
