using ResilientProxy.Configuration.Binding;
using ResilientProxy.LoadBalancing;

namespace ResilientProxy.Configuration.Explain;

/// <summary>What is in force for one route, and what follows from it.</summary>
/// <param name="Id">The route.</param>
/// <param name="PolicyName">The policy it takes its values from.</param>
/// <param name="IsProtected">Whether the cluster's circuits and bulkhead count for it: not under the policy "none".</param>
/// <param name="Policy">Every value of the policy.</param>
/// <param name="Cluster">Where its requests go.</param>
/// <param name="Backup">Where they go in place of a failure; null for no other cluster.</param>
/// <param name="Load">The most attempts.</param>
/// <param name="Time">The longest wait for an answer.</param>
internal sealed record RouteExplanation(
    string Id,
    string PolicyName,
    bool IsProtected,
    IReadOnlyList<ExplainedValue> Policy,
    ClusterExplanation Cluster,
    ClusterExplanation? Backup,
    LoadBound Load,
    TimeBound Time)
{
    /// <summary>Explains a route.</summary>
    /// <param name="config">The config, without errors.</param>
    /// <param name="route">One of its routes.</param>
    public static RouteExplanation Of(ProxyConfig config, RouteEntry route)
    {
        var options = route.Options;
        var name = options.Policy ?? "standard";
        var origins = new Origins("route", route.Written, name);
        var cluster = ClusterExplanation.Of(config, route.Yarp.ClusterId!);
        var backup = options.Fallback?.ClusterId is { } id ? ClusterExplanation.Of(config, id) : null;
        var load = LoadBound.Of(options, cluster.Destinations, backup?.Destinations);
        ExplainedValue[] policy = [.. ValueWalk.Of(options with { Policy = name }, route.Written, origins)];
        var clusters = options.IsPlain ? [] : ((ClusterExplanation?[])[cluster, backup]).OfType<ClusterExplanation>();
        return new(
            route.Yarp.RouteId,
            name,
            !options.IsPlain,
            policy,
            cluster,
            backup,
            load,
            TimeBound.Of(options, load, [.. Queues.In("route", policy), .. clusters.SelectMany(on => Queues.In($"cluster {on.Id}", on.Values))]));
    }
}

/// <summary>What protects one cluster.</summary>
/// <param name="Id">The cluster.</param>
/// <param name="Destinations">How many destinations it has.</param>
/// <param name="Values">Every value of its protection.</param>
internal sealed record ClusterExplanation(string Id, int Destinations, IReadOnlyList<ExplainedValue> Values)
{
    /// <summary>Explains a cluster.</summary>
    /// <param name="config">The config, without errors.</param>
    /// <param name="id">The name of one of its clusters.</param>
    public static ClusterExplanation Of(ProxyConfig config, string id)
    {
        var entry = config.Clusters.First(cluster => cluster.Yarp.ClusterId.Equals(id, StringComparison.OrdinalIgnoreCase));
        var origins = new Origins("cluster", entry.Written, null);

        // Of YARP's keys, those that decide where an attempt goes.
        var yarp = new YarpPart
        {
            LoadBalancingPolicy = entry.Yarp.LoadBalancingPolicy ?? DestinationSelector.Default,
            HealthCheck = entry.Yarp.HealthCheck,
        };
        return new(
            entry.Yarp.ClusterId,
            entry.Yarp.Destinations?.Count ?? 0,
            [.. ValueWalk.Of(yarp, entry.Written, origins), .. ValueWalk.Of(entry.Options, entry.Written?.Find(YarpKeys.Resilience), origins)]);
    }

    private sealed record YarpPart
    {
        public required string LoadBalancingPolicy { get; init; }

        public Yarp.ReverseProxy.Configuration.HealthCheckConfig? HealthCheck { get; init; }
    }
}
