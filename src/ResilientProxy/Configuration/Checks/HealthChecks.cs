using ResilientProxy.Configuration.Tree;
using ResilientProxy.Health;
using ResilientProxy.Values;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Active health checks: what is asked and what the results mean, together.</summary>
internal static class HealthChecks
{
    /// <summary>The interval where <c>HealthCheck.Active.Interval</c> says nothing, as in YARP.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(15);

    /// <summary>The timeout where <c>HealthCheck.Active.Timeout</c> says nothing, as in YARP.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    // Faster ones would be a load of their own; slower ones are a mistake in the unit.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <summary>Checks every cluster by itself.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="clusters">Our part of each cluster.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Dictionary<string, ClusterOptions> clusters, Findings findings)
    {
        foreach (var (id, cluster) in document.ReverseProxy.Clusters)
        {
            var node = root.Find("ReverseProxy", "Clusters", id)!;
            var active = cluster.HealthCheck?.Active;
            if (active is not null)
            {
                CheckActive(node, active, findings);
            }

            if (clusters[id].HealthCheck is { } options)
            {
                CheckOptions(node, active, options, findings);
            }
        }
    }

    private static void CheckActive(ConfigNode cluster, ActiveHealthCheckConfig active, Findings findings)
    {
        var interval = active.Interval ?? DefaultInterval;
        var timeout = active.Timeout ?? DefaultTimeout;
        CheckSpan(cluster, "Interval", interval, findings);
        CheckSpan(cluster, "Timeout", timeout, findings);
        if (interval <= timeout && interval >= Shortest)
        {
            findings.Warning(cluster.Nearest("HealthCheck", "Active", active.Interval is null ? "Timeout" : "Interval"),
                $"a check may take {Duration.Format(timeout)}, and the next one begins after {Duration.Format(interval)}: a hanging destination is noticed late; let Timeout be shorter than Interval");
        }

        if (active.Path is { } path && !path.StartsWith('/'))
        {
            findings.Error(cluster.Nearest("HealthCheck", "Active", "Path"), $"must begin with a slash, but is \"{path}\"");
        }
    }

    private static void CheckSpan(ConfigNode cluster, string key, TimeSpan span, Findings findings)
    {
        if (span < Shortest || span > Longest)
        {
            findings.Error(cluster.Nearest("HealthCheck", "Active", key), $"must be from {Duration.Format(Shortest)} to 24h");
        }
    }

    private static void CheckOptions(ConfigNode cluster, ActiveHealthCheckConfig? active, HealthCheckOptions options, Findings findings)
    {
        var written = cluster.Find("Resilience", "HealthCheck");
        if (active?.Enabled != true)
        {
            if (written is not null)
            {
                findings.Warning(written, "nothing is checked; set HealthCheck.Active.Enabled on the cluster to true, or remove the object");
            }

            return;
        }

        if (options.ExpectedStatuses.Count == 0 && options.Type == HealthCheckType.Http && written is not null && !findings.HasErrorsIn(written))
        {
            findings.Error(cluster.Nearest("Resilience", "HealthCheck", "ExpectedStatuses"), "must name at least one status, such as \"200-299\"");
        }

        if (options.Type != HealthCheckType.Http && active.Path is not null)
        {
            findings.Warning(cluster.Nearest("HealthCheck", "Active", "Path"), $"a {options.Type} check asks for no path; remove it, or set Resilience.HealthCheck.Type to Http");
        }

        if (options.Type != HealthCheckType.Http && options.BodyContains is not null)
        {
            findings.Warning(cluster.Nearest("Resilience", "HealthCheck", "BodyContains"), $"a {options.Type} check looks at no body; remove it, or set Type to Http");
        }

        if (options.Type != HealthCheckType.Grpc && options.Service.Length > 0)
        {
            findings.Warning(cluster.Nearest("Resilience", "HealthCheck", "Service"), $"a {options.Type} check asks about no service; remove it, or set Type to Grpc");
        }
    }
}
