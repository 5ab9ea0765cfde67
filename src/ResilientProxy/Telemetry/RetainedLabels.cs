namespace ResilientProxy.Telemetry;

/// <summary>Which series a new config keeps, judged by their labels.</summary>
internal sealed class RetainedLabels
{
    public RetainedLabels(HashSet<(string Route, string Cluster)> routes, HashSet<(string Cluster, string Destination)> destinations)
    {
        Routes = routes;
        Destinations = destinations;
        routes.Add((ProxyMetrics.NoRoute, ""));
    }

    private HashSet<string> RouteIds => field ??= [.. Routes.Select(route => route.Route)];

    private HashSet<string> ClusterIds => field ??= [.. Routes.Select(route => route.Cluster), .. Destinations.Select(destination => destination.Cluster)];

    private HashSet<string> Scopes => field ??=
    [
        .. RouteIds.Select(MetricScope.Route),
        .. ClusterIds.Select(MetricScope.Cluster),
        .. Destinations.Select(destination => MetricScope.Destination(destination.Cluster, destination.Destination)),
    ];

    public HashSet<(string Route, string Cluster)> Routes { get; }

    public HashSet<(string Cluster, string Destination)> Destinations { get; }

    /// <summary>Whether another one keeps and drops the same.</summary>
    /// <param name="other">The other one.</param>
    public bool NamesTheSame(RetainedLabels other) => Routes.SetEquals(other.Routes) && Destinations.SetEquals(other.Destinations);

    /// <summary>Whether everything the labels name is still there; a series that names no part of the config stays.</summary>
    public bool Keeps(LabelSet labels) => (labels["route"], labels["cluster"], labels["destination"], labels["scope"]) switch
    {
        ({ } route, { } cluster, null, null) => Routes.Contains((route, cluster)),
        ({ } route, null, null, null) => RouteIds.Contains(route),
        (null, { } cluster, { } destination, null) => Destinations.Contains((cluster, destination)),
        (null, { } cluster, null, null) => ClusterIds.Contains(cluster),
        (null, null, null, { } scope) => Scopes.Contains(scope),
        _ => true,
    };
}
