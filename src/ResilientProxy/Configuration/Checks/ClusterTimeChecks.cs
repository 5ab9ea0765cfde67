using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration.Checks;

/// <summary>The times of a cluster: its health checks, and what its routes leave of its connect timer.</summary>
internal static class ClusterTimeChecks
{
    /// <summary>Checks every cluster.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="use">Which routes each cluster serves.</param>
    /// <param name="clusters">What protects each cluster, as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(
        ConfigObject root,
        ConfigDocument document,
        ClusterUse use,
        IReadOnlyDictionary<string, ClusterOptions> clusters,
        Findings findings)
    {
        foreach (var (id, options) in clusters)
        {
            var node = root.Find("ReverseProxy", "Clusters", id)!;
            CheckConnect(node, id, options, use, findings);
            if (document.ReverseProxy.Clusters[id].HealthCheck?.Active is { Enabled: true } active)
            {
                CheckHealth(node, active, options, findings);
            }
        }
    }

    // Only one that somebody wrote, and only where it is of use to no route at all: clusters serve quick routes and slow ones.
    private static void CheckConnect(
        ConfigNode node, string id, ClusterOptions options, ClusterUse use, Findings findings)
    {
        if (options.ConnectTimeout == Timeout.InfiniteTimeSpan || node.Find(YarpKeys.Resilience, "ConnectTimeout") is not { } written)
        {
            return;
        }

        var attempts = use[id].Select(route => route.Timeouts.Attempt).ToArray();
        if (attempts.Length > 0 && Array.TrueForAll(attempts, attempt => attempt != Timeout.InfiniteTimeSpan && attempt < options.ConnectTimeout))
        {
            findings.Warning(written,
                $"the timer never fires: no route that leads here gives an attempt more than {Duration.Format(attempts.Max())}, its connection included; lower ConnectTimeout below {Duration.Format(attempts.Max())}");
        }
    }

    private static void CheckHealth(ConfigNode node, ActiveHealthCheckConfig active, ClusterOptions options, Findings findings)
    {
        if (active.Interval is { } interval && options.CircuitBreaker is { } breaker && interval > breaker.MaxBreakDuration)
        {
            findings.Warning(node.Nearest("HealthCheck", "Active", "Interval"),
                $"a destination is looked at every {Duration.Format(interval)}, but its circuit lets a request through after {Duration.Format(breaker.MaxBreakDuration)} at the latest (MaxBreakDuration): requests find out first; lower Interval");
        }
    }
}
