using ResilientProxy.Configuration.Tree;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration.Checks;

/// <summary>One route, as the checks of its policy see it.</summary>
/// <param name="Node">The route as written.</param>
/// <param name="Yarp">YARP's part of it.</param>
/// <param name="Policy">The policy in force.</param>
/// <param name="Clusters">Every cluster there is.</param>
internal sealed record CheckedRoute(ConfigNode Node, RouteConfig Yarp, ResolvedPolicy Policy, IReadOnlyDictionary<string, ClusterConfig> Clusters)
{
    /// <summary>The policy in force.</summary>
    public RouteOptions Options => Policy.Options;

    /// <summary>How many destinations the route's cluster has; 0 where there is no such cluster.</summary>
    public int Destinations => Yarp.ClusterId is { } id && Clusters.TryGetValue(id, out var cluster) ? cluster.Destinations?.Count ?? 0 : 0;

    /// <summary>Where a key of the policy was written, or the nearest to it; the route where nothing was.</summary>
    /// <param name="keys">The key's path.</param>
    public ConfigNode At(params ReadOnlySpan<string> keys) => Policy.Written?.Nearest(keys) ?? Node;

    /// <summary>Whether somebody wrote a key: what is built in is not to be complained about.</summary>
    /// <param name="keys">The key's path.</param>
    public bool Wrote(params ReadOnlySpan<string> keys) => Policy.Written?.Find(keys) is { Origin.Kind: not OriginKind.BuiltIn };
}
