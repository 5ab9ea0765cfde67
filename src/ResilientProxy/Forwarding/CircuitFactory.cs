using ResilientProxy.CircuitBreaking;
using ResilientProxy.Configuration;
using RouteOptions = ResilientProxy.Configuration.RouteOptions;

namespace ResilientProxy.Forwarding;

/// <summary>Makes the circuits of clusters and routes, and keeps those whose options did not change: a circuit that is made anew never opens.</summary>
internal sealed partial class CircuitFactory(TimeProvider time, ILogger logger)
{
    /// <summary>The circuits that all routes to a cluster share; null where each route has its own, or there are none.</summary>
    /// <param name="cluster">The cluster's name.</param>
    /// <param name="options">Its options.</param>
    /// <param name="destinations">Its destinations.</param>
    /// <param name="before">The cluster as it was; null for a new one.</param>
    public CircuitBreaker[]? ForCluster(string cluster, ClusterOptions options, ProxyDestination[] destinations, ProxyCluster? before)
    {
        if (options.CircuitBreaker is not { Scope: CircuitBreakerScope.Destination or CircuitBreakerScope.Cluster } breaker)
        {
            return null;
        }

        var kept = before?.Circuits is [{ } first, ..] && first.Options == breaker ? before : null;
        if (breaker.Scope == CircuitBreakerScope.Cluster)
        {
            return Shared(kept?.Circuits?[0] ?? Create(breaker, CircuitGroup.Unlimited, cluster, destinations), destinations.Length);
        }

        return PerDestination(breaker, cluster, destinations, kept?.Destinations, kept?.Circuits);
    }

    /// <summary>Where a route's requests go, with its own circuits where the cluster's scope says so.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="route">The route's policy.</param>
    /// <param name="before">The same as it was; null for a new one.</param>
    public RouteTarget ForRoute(ProxyCluster cluster, RouteOptions route, RouteTarget? before)
    {
        if (route.IsPlain)
        {
            return new(cluster, null, IsProtected: false);
        }

        if (cluster.Options.CircuitBreaker is not { Scope: CircuitBreakerScope.Route or CircuitBreakerScope.RouteDestination } breaker)
        {
            return new(cluster, cluster.Circuits, IsProtected: true);
        }

        var kept = before?.Circuits is [{ } first, ..] && first.Options == breaker ? before : null;
        return new(cluster, breaker.Scope == CircuitBreakerScope.Route
            ? Shared(kept?.Circuits?[0] ?? Create(breaker, CircuitGroup.Unlimited, cluster.Id, cluster.Destinations), cluster.Destinations.Length)
            : PerDestination(breaker, cluster.Id, cluster.Destinations, kept?.Cluster.Destinations, kept?.Circuits), IsProtected: true);
    }

    // A group of its own for every set of destinations: circuits that are kept go over into it.
    private CircuitBreaker[] PerDestination(
        CircuitBreakerOptions options, string cluster, ProxyDestination[] destinations, ProxyDestination[]? before, CircuitBreaker[]? circuits)
    {
        var group = circuits is [{ } any, ..] ? any.Group : new CircuitGroup();
        var made = new CircuitBreaker[destinations.Length];
        for (var i = 0; i < destinations.Length; i++)
        {
            var known = before is null ? -1 : Array.IndexOf(before, destinations[i]);
            made[i] = known >= 0 ? circuits![known] : Create(options, group, cluster, [destinations[i]]);
            group.Add(made[i]);
        }

        foreach (var gone in circuits?.Except(made) ?? [])
        {
            group.Remove(gone);
        }

        return made;
    }

    private CircuitBreaker Create(CircuitBreakerOptions options, CircuitGroup group, string cluster, ProxyDestination[] destinations) =>
        new(options, group, time, (circuit, transition) => Changed(cluster, destinations, circuit, transition));

    private static CircuitBreaker[] Shared(CircuitBreaker circuit, int count)
    {
        var circuits = new CircuitBreaker[count];
        Array.Fill(circuits, circuit);
        return circuits;
    }

    private void Changed(string cluster, ProxyDestination[] destinations, CircuitBreaker circuit, CircuitTransition transition)
    {
        foreach (var destination in destinations)
        {
            destination.Metrics.CircuitState((int)transition.To);
            destination.Metrics.CircuitChanged(transition.To.Word());
            if (transition.To == CircuitState.Closed && transition.From != CircuitState.Closed)
            {
                destination.BeginSlowStart();
            }

            if (transition.To is CircuitState.Open or CircuitState.Isolated)
            {
                Log.Opened(logger, cluster, destination.Id, transition.To, transition.Reason, circuit.NextProbeIn.TotalSeconds);
            }
            else
            {
                Log.Changed(logger, cluster, destination.Id, transition.To, transition.Reason);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Circuit of {Cluster}/{Destination} is {State}: {Reason}; the next attempt in {Seconds:0.0} s.")]
        public static partial void Opened(ILogger logger, string cluster, string destination, CircuitState state, string reason, double seconds);

        [LoggerMessage(LogLevel.Information, "Circuit of {Cluster}/{Destination} is {State}: {Reason}.")]
        public static partial void Changed(ILogger logger, string cluster, string destination, CircuitState state, string reason);
    }
}
