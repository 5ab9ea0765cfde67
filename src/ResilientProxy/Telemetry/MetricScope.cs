namespace ResilientProxy.Telemetry;

/// <summary>The label <c>scope</c>: what a bulkhead protects.</summary>
internal static class MetricScope
{
    public static string Route(string route) => $"route:{route}";

    public static string Cluster(string cluster) => $"cluster:{cluster}";

    /// <summary>Destination ids are unique within their cluster only, so both are named.</summary>
    public static string Destination(string cluster, string destination) => $"destination:{cluster}/{destination}";
}
