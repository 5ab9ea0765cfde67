namespace ResilientProxy.Configuration.Checks;

/// <summary>Which routes each cluster serves; worked out once, because there may be thousands of both.</summary>
internal sealed class ClusterUse
{
    private readonly Dictionary<string, List<RouteOptions>> _routes = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Looks at every route.</summary>
    /// <param name="document">The config as read.</param>
    /// <param name="policies">The policy in force for each route.</param>
    public ClusterUse(ConfigDocument document, Dictionary<string, ResolvedPolicy> policies)
    {
        foreach (var (id, route) in document.ReverseProxy.Routes)
        {
            var options = policies[id].Options;
            Add(route.ClusterId, options);
            if (options.Fallback?.ClusterId is { } backup && !backup.Equals(route.ClusterId, StringComparison.OrdinalIgnoreCase))
            {
                Add(backup, options);
            }
        }
    }

    /// <summary>The policies of all routes that lead to a cluster, as their own or as the one they fall back to.</summary>
    /// <param name="cluster">The cluster.</param>
    public IReadOnlyList<RouteOptions> this[string cluster] => _routes.GetValueOrDefault(cluster) ?? [];

    private void Add(string? cluster, RouteOptions options)
    {
        if (cluster is null)
        {
            return; // said elsewhere
        }

        if (!_routes.TryGetValue(cluster, out var routes))
        {
            _routes[cluster] = routes = [];
        }

        routes.Add(options);
    }
}
