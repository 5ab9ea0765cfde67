using System.Globalization;
using ResilientProxy.Bulkhead;
using ResilientProxy.CircuitBreaking;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What bulkheads mean beside the timers and the circuits.</summary>
internal static class BulkheadChecks
{
    /// <summary>Checks the bulkheads of every route and of every cluster.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="use">Which routes each cluster serves.</param>
    /// <param name="policies">The policy in force for each route.</param>
    /// <param name="clusters">What protects each cluster, as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(
        ConfigObject root,
        ClusterUse use,
        Dictionary<string, ResolvedPolicy> policies,
        IReadOnlyDictionary<string, ClusterOptions> clusters,
        Findings findings)
    {
        foreach (var (id, policy) in policies)
        {
            if (policy.Options.Bulkhead is null)
            {
                continue;
            }

            var node = policy.Written?.Nearest("Bulkhead") ?? root.Find("ReverseProxy", "Routes", id)!;
            var bulkhead = policy.Options.Bulkhead.Settings();
            CheckLimits(node, bulkhead, findings);
            CheckWait(node, bulkhead, policy.Options.Timeouts.Total, findings);
        }

        foreach (var (id, options) in clusters)
        {
            if (options.Bulkhead is null)
            {
                continue;
            }

            var cluster = root.Find("ReverseProxy", "Clusters", id)!;
            var node = cluster.Nearest(YarpKeys.Resilience, "Bulkhead");
            var bulkhead = options.Bulkhead.Settings();
            var routes = use[id].Where(route => !route.IsPlain).ToArray();
            CheckLimits(node, bulkhead, findings);

            // A cluster serves quick routes and slow ones, and its own default is nobody's mistake.
            if (node.Find("QueueTimeout") is not null && routes.Length > 0
                && Array.TrueForAll(routes, route => route.Timeouts.Total != Timeout.InfiniteTimeSpan))
            {
                CheckWait(node, bulkhead, routes.Max(route => route.Timeouts.Total), findings);
            }

            if (options.CircuitBreaker is { } breaker && routes.Length > 0)
            {
                CheckMinimum(cluster.Nearest(YarpKeys.Resilience, "CircuitBreaker", "MinimumThroughput"), breaker, options.Bulkhead, routes, findings);
            }
        }
    }

    private static void CheckLimits(ConfigNode node, BulkheadSettings bulkhead, Findings findings)
    {
        if (bulkhead.Limit.IsAdaptive && bulkhead.Min > bulkhead.Max)
        {
            findings.Error(node.Nearest(node.Find("Min") is null ? "Max" : "Min"), string.Create(CultureInfo.InvariantCulture,
                $"the lowest adaptive limit, Min, is {bulkhead.Min}, but the highest, Max, is {bulkhead.Max}; lower Min or raise Max"));
        }
    }

    private static void CheckWait(ConfigNode node, BulkheadSettings bulkhead, TimeSpan total, Findings findings)
    {
        if (bulkhead.MaxQueue > 0 && total != Timeout.InfiniteTimeSpan && bulkhead.QueueTimeout >= total)
        {
            findings.Warning(node.Nearest("QueueTimeout"),
                $"a request may wait {Duration.Format(bulkhead.QueueTimeout)} for a place, but may take only {Duration.Format(total)} as a whole: it gets a place and has no time left; lower QueueTimeout or raise Total");
        }
    }

    // A destination that hangs has as many failures as requests fit into its places and time out within the window, and no more.
    private static void CheckMinimum(
        ConfigNode node, CircuitBreakerOptions breaker, ClusterBulkheadOptions bulkhead, RouteOptions[] routes, Findings findings)
    {
        if (breaker is not { Scope: CircuitBreakerScope.Destination, ConsecutiveFailures: 0, FailureRatio: > 0 }
            || !Array.TrueForAll(routes, route => route.Timeouts.Attempt != Timeout.InfiniteTimeSpan))
        {
            return;
        }

        var places = Math.Min(bulkhead.MaxConcurrentPerDestination, bulkhead.MaxConcurrent.IsAdaptive ? bulkhead.Max : bulkhead.MaxConcurrent.Value);
        var rounds = 1 + (breaker.SamplingDuration.Ticks / routes.Min(route => route.Timeouts.Attempt).Ticks);
        if (breaker.MinimumThroughput > places * rounds)
        {
            findings.Warning(node, string.Create(CultureInfo.InvariantCulture,
                $"a destination that hangs never gets {breaker.MinimumThroughput} attempts in {Duration.Format(breaker.SamplingDuration)}: its bulkhead has {places} places and an attempt ends after its timer, so that there are {places * rounds} at most; lower MinimumThroughput, or set ConsecutiveFailures"));
        }
    }
}
