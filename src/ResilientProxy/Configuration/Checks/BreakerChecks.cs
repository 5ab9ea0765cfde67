using ResilientProxy.CircuitBreaking;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What the keys of a cluster's circuit breaker mean together.</summary>
internal static class BreakerChecks
{
    /// <summary>Checks the breaker of every cluster.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="clusters">What protects each cluster, as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, IReadOnlyDictionary<string, ClusterOptions> clusters, Findings findings)
    {
        foreach (var (id, cluster) in clusters)
        {
            var node = root.Find("ReverseProxy", "Clusters", id)!.Nearest(YarpKeys.Resilience, "CircuitBreaker");
            if (cluster.CircuitBreaker is { } breaker && !findings.HasErrorsIn(node))
            {
                Check(node, breaker, findings);
            }
        }
    }

    private static void Check(ConfigNode node, CircuitBreakerOptions breaker, Findings findings)
    {
        if (breaker.MaxBreakDuration < breaker.BreakDuration)
        {
            findings.Error(node.Find("MaxBreakDuration") ?? node.Nearest("BreakDuration"),
                $"MaxBreakDuration is {Duration.Format(breaker.MaxBreakDuration)}, but the first break is {Duration.Format(breaker.BreakDuration)} already; raise MaxBreakDuration or lower BreakDuration");
        }

        if (breaker is { ConsecutiveFailures: 0, FailureRatio: 0 })
        {
            findings.Warning(node, "with ConsecutiveFailures and FailureRatio both 0 the circuit never opens by itself; set one of them, or write \"CircuitBreaker\": \"off\"");
        }
    }
}
