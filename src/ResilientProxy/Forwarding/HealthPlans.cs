using ResilientProxy.Configuration;
using ResilientProxy.Configuration.Checks;
using ResilientProxy.Health;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Forwarding;

/// <summary>What a model asks of the active health checks.</summary>
internal static class HealthPlans
{
    /// <summary>The plans of all clusters.</summary>
    /// <param name="model">The model.</param>
    /// <param name="time">The clock of the ramps.</param>
    public static IReadOnlyList<HealthPlan> Of(ProxyModel model, TimeProvider time) =>
        [.. model.Config.Clusters.Select(entry => Of(entry, model.Clusters[entry.Yarp.ClusterId], time))];

    private static HealthPlan Of(ClusterEntry entry, ProxyCluster cluster, TimeProvider time)
    {
        var options = entry.Options.HealthCheck;
        var active = options is not null && entry.Yarp.HealthCheck?.Active is { Enabled: true } enabled ? enabled : null;
        return new(
            cluster.Id,
            options?.PanicThreshold ?? 0,
            [.. cluster.Destinations.Select(destination => new HealthTarget(
                destination.Id,
                destination.Health,
                destination.Metrics,
                active is null ? null : ProbeOf(cluster, entry.Yarp.Destinations![destination.Id], active, options!),
                () => destination.Load.BeginSlowStart(options?.SlowStart ?? TimeSpan.Zero, time.GetTimestamp())))]);
    }

    private static ProbeSettings ProbeOf(ProxyCluster cluster, DestinationConfig config, ActiveHealthCheckConfig active, HealthCheckOptions options)
    {
        var interval = active.Interval ?? HealthChecks.DefaultInterval;
        var address = string.IsNullOrEmpty(config.Health) ? config.Address : config.Health;
        var version = RequestCopy.VersionFor(cluster.Request, isHttps: address.StartsWith("https:", StringComparison.OrdinalIgnoreCase));
        return new()
        {
            Type = options.Type,
            Address = options.Type == HealthCheckType.Http
                ? new Uri(address.TrimEnd('/') + (active.Path is null or "" ? "/" : active.Path))
                : new Uri(address.EndsWith('/') ? address : address + "/"),
            Host = string.IsNullOrEmpty(config.Host) ? null : config.Host,
            Invoker = cluster.Client.Invoker,
            Version = version.Version,
            VersionPolicy = version.Policy,
            Interval = interval,
            UnhealthyInterval = options.UnhealthyInterval ?? ProbeSettings.DefaultUnhealthyInterval(interval),
            Timeout = active.Timeout ?? HealthChecks.DefaultTimeout,
            Options = options,
        };
    }
}
