using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.RateLimiting;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Which requests go where, and what is promised to their callers.</summary>
internal static class RouteChecks
{
    /// <summary>Checks every route by itself.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="policies">The policy in force for each route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Dictionary<string, ResolvedPolicy> policies, Findings findings)
    {
        var clusters = document.ReverseProxy.Clusters;
        foreach (var (id, route) in document.ReverseProxy.Routes)
        {
            var node = root.Find("ReverseProxy", "Routes", id)!;
            if (route.ClusterId is { } cluster && !clusters.ContainsKey(cluster))
            {
                findings.Error(node.Nearest("ClusterId"), $"there is no cluster \"{cluster}\"{NearestName.Hint(cluster, clusters.Keys)}");
            }

            if (route.Match is { Path: null or "", Hosts: null or { Count: 0 } } && !findings.HasErrorsIn(node.Nearest("Match")))
            {
                findings.Error(node.Nearest("Match"), "must have a Path or Hosts; \"Path\": \"/{**rest}\" matches every request");
            }

            if (route.AuthorizationPolicy is { } authorization && !authorization.Equals("anonymous", StringComparison.OrdinalIgnoreCase))
            {
                findings.Error(node.Nearest("AuthorizationPolicy"), "this program knows no users and cannot check them; let the upstream do it, and remove the key");
            }

            if (route.CorsPolicy is not null)
            {
                findings.Error(node.Nearest("CorsPolicy"), "this program has no CORS policies; let the upstream answer, or add headers by Transforms, and remove the key");
            }

            var checkedRoute = new CheckedRoute(node, route, policies[id], clusters);
            TimeoutChecks.Run(checkedRoute, findings);
            RetryChecks.Run(checkedRoute, document.Resilience, findings);
            RetryTimeChecks.Run(checkedRoute, findings);
            RetryBudgetChecks.Run(checkedRoute, findings);
            HedgingChecks.Run(checkedRoute, findings);
            FallbackCheck.Run(node, route.ClusterId, policies[id], document, findings);
            CheckRateLimiter(node, policies[id], findings);
        }
    }

    private static void CheckRateLimiter(ConfigNode route, ResolvedPolicy policy, Findings findings)
    {
        if (policy.Options.RateLimiter is { Burst: not null, Algorithm: not RateLimiterAlgorithm.TokenBucket } limiter)
        {
            findings.Warning(policy.Written?.Nearest("RateLimiter", "Burst") ?? route,
                $"only TokenBucket has a Burst, {limiter.Algorithm} takes PermitLimit at most; remove Burst, or take TokenBucket");
        }
    }
}
