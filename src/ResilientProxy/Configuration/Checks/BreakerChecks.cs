using System.Globalization;
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

    // So many attempts a second at one destination are rare enough that who asks for them has mistaken the unit.
    private const double ManyAttemptsPerSecond = 1000;

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

        var needed = breaker.MinimumThroughput / breaker.SamplingDuration.TotalSeconds;
        if (breaker.FailureRatio > 0 && needed >= ManyAttemptsPerSecond)
        {
            findings.Warning(node.Nearest("MinimumThroughput"), string.Create(CultureInfo.InvariantCulture,
                $"{breaker.MinimumThroughput} attempts in {Duration.Format(breaker.SamplingDuration)} are {needed:0} a second for {Share(breaker.Scope)}: with fewer FailureRatio never counts; lower MinimumThroughput or raise SamplingDuration"));
        }
    }

    private static string Share(CircuitBreakerScope scope) => scope switch
    {
        CircuitBreakerScope.Destination => "each destination",
        CircuitBreakerScope.Route => "each route",
        CircuitBreakerScope.RouteDestination => "each route and destination",
        _ => "the cluster",
    };
}
