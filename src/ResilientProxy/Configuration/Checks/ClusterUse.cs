namespace ResilientProxy.Configuration.Checks;

/// <summary>Which routes a cluster serves.</summary>
internal static class ClusterUse
{
    /// <summary>The policies of all routes that lead to a cluster, as their own or as the one they fall back to.</summary>
    /// <param name="id">The cluster.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="policies">The policy in force for each route.</param>
    public static RouteOptions[] Of(string id, ConfigDocument document, Dictionary<string, ResolvedPolicy> policies) =>
        [.. document.ReverseProxy.Routes
            .Where(route => id.Equals(route.Value.ClusterId, StringComparison.OrdinalIgnoreCase)
                || id.Equals(policies[route.Key].Options.Fallback?.ClusterId, StringComparison.OrdinalIgnoreCase))
            .Select(route => policies[route.Key].Options)];
}
