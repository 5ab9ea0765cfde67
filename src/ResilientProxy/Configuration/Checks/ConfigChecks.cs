using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What a config means as a whole: every check that needs more than one key.</summary>
internal static class ConfigChecks
{
    /// <summary>Runs all of them; none stops at a mistake.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="policies">The policy in force for each route.</param>
    /// <param name="clusters">What protects each cluster.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(
        ConfigObject root,
        ConfigDocument document,
        Dictionary<string, ResolvedPolicy> policies,
        Dictionary<string, ClusterOptions> clusters,
        Findings findings)
    {
        var use = new ClusterUse(document, policies);
        ListenerChecks.Run(root, document, findings);
        TlsChecks.Run(root, document, findings);
        ClusterChecks.Run(root, document, policies, findings);
        UpstreamTlsChecks.Run(root, document, clusters, findings);
        HealthChecks.Run(root, document, clusters, findings);
        BreakerChecks.Run(root, clusters, findings);
        ClusterTimeChecks.Run(root, document, use, clusters, findings);
        BulkheadChecks.Run(root, use, policies, clusters, findings);
        HeaderNameChecks.Run(root, document, policies, findings);
        RouteChecks.Run(root, document, policies, findings);
        YarpChecks.Run(root, document, findings);
        AmbiguityCheck.Run(root, document, findings);
        LogLevelCheck.Run(root["Logging"], findings);
    }
}
