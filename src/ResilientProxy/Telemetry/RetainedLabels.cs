namespace ResilientProxy.Telemetry;

/// <summary>Which series a new config keeps, judged by their labels.</summary>
internal sealed class RetainedLabels
{
    private readonly HashSet<string> _routeIds;
    private readonly HashSet<string> _clusterIds;
    private readonly HashSet<string> _scopes;

    public RetainedLabels(HashSet<(string Route, string Cluster)> routes, HashSet<(string Cluster, string Destination)> destinations)
    {
        Routes = routes;
        Destinations = destinations;
        routes.Add((ProxyMetrics.NoRoute, ""));
        _routeIds = [.. routes.Select(route => route.Route)];
        _clusterIds = [.. routes.Select(route => route.Cluster), .. destinations.Select(destination => destination.Cluster)];
        _scopes =
        [
            .. _routeIds.Select(MetricScope.Route),
            .. _clusterIds.Select(MetricScope.Cluster),
            .. destinations.Select(destination => MetricScope.Destination(destination.Cluster, destination.Destination)),
        ];
    }

    public HashSet<(string Route, string Cluster)> Routes { get; }

    public HashSet<(string Cluster, string Destination)> Destinations { get; }

    /// <summary>Whether everything the labels name is still there; a series that names no part of the config stays.</summary>
    public bool Keeps(LabelSet labels) => (labels["route"], labels["cluster"], labels["destination"], labels["scope"]) switch
    {
        ({ } route, { } cluster, null, null) => Routes.Contains((route, cluster)),
        ({ } route, null, null, null) => _routeIds.Contains(route),
        (null, { } cluster, { } destination, null) => Destinations.Contains((cluster, destination)),
        (null, { } cluster, null, null) => _clusterIds.Contains(cluster),
        (null, null, null, { } scope) => _scopes.Contains(scope),
        _ => true,
    };
}
