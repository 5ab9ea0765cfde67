using System.Reflection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Configuration.Binding;

/// <summary>Where YARP's records and the config's keys differ: the whole table of exceptions.</summary>
internal static class YarpKeys
{
    /// <summary>The key of our object on a route and on a cluster.</summary>
    public const string Resilience = "Resilience";

    private static readonly HashSet<(Type, string)> Required =
    [
        (typeof(RouteConfig), nameof(RouteConfig.ClusterId)),
        (typeof(RouteConfig), nameof(RouteConfig.Match)),
        (typeof(RouteHeader), nameof(RouteHeader.Name)),
        (typeof(RouteQueryParameter), nameof(RouteQueryParameter.Name)),
        (typeof(DestinationConfig), nameof(DestinationConfig.Address)),
        (typeof(SessionAffinityConfig), nameof(SessionAffinityConfig.AffinityKeyName)),
    ];

    private static readonly Dictionary<(Type, string), string> Refused = new(RefusedKeyComparer.Instance)
    {
        [(typeof(RouteConfig), nameof(RouteConfig.RouteId))] = "is not a key: a route's id is its name in Routes",
        [(typeof(RouteConfig), nameof(RouteConfig.Timeout))] = "is not used here; set Resilience.Timeouts.Total (and .Attempt, .Idle) instead",
        [(typeof(RouteConfig), nameof(RouteConfig.TimeoutPolicy))] = "is not used here; set Resilience.Timeouts, or Resilience.Policy, instead",
        [(typeof(RouteConfig), nameof(RouteConfig.RateLimiterPolicy))] = "is not used here; set Resilience.RateLimiter instead",
        [(typeof(ClusterConfig), nameof(ClusterConfig.ClusterId))] = "is not a key: a cluster's id is its name in Clusters",
        [(typeof(ForwarderRequestConfig), nameof(ForwarderRequestConfig.ActivityTimeout))] = "is not used here; set Resilience.Timeouts.Idle on the routes instead",
        [(typeof(HealthCheckConfig), nameof(HealthCheckConfig.Passive))] = "is not used here; set Resilience.CircuitBreaker on the cluster instead",
        [(typeof(HealthCheckConfig), nameof(HealthCheckConfig.AvailableDestinationsPolicy))] = "is not used here; set Resilience.HealthCheck.PanicThreshold on the cluster instead",
        [(typeof(ActiveHealthCheckConfig), nameof(ActiveHealthCheckConfig.Policy))] = "is not used here; set Resilience.HealthCheck.UnhealthyThreshold and .HealthyThreshold on the cluster instead",
        [(typeof(ConfigDocument), "AllowedHosts")] = "is not used here; set Match.Hosts on the routes instead",
    };

    private static readonly Dictionary<Type, ModelKey[]> Added = new()
    {
        [typeof(RouteConfig)] = [new ModelKey(Resilience, typeof(RouteOptions), null, IsNullable: true, IsRequired: false)],
        [typeof(ClusterConfig)] = [new ModelKey(Resilience, typeof(ClusterOptions), null, IsNullable: true, IsRequired: false)],
        [typeof(DestinationConfig)] = [.. typeof(DestinationOptions).GetProperties()
            .Where(property => property.CanWrite)
            .Select(property => new ModelKey(property.Name, property.PropertyType, null, IsNullable: false, IsRequired: false) { Source = property })],
    };

    /// <summary>Whether a property's value is the key of the object that holds it.</summary>
    public static bool IsFromKey(PropertyInfo property) =>
        property.Name is nameof(RouteConfig.RouteId) && property.DeclaringType == typeof(RouteConfig)
        || property.Name is nameof(ClusterConfig.ClusterId) && property.DeclaringType == typeof(ClusterConfig);

    /// <summary>The property that takes the key of the object, or null.</summary>
    public static PropertyInfo? FromKey(Type type) => type.GetProperties().FirstOrDefault(IsFromKey);

    public static bool IsRequired(PropertyInfo property) => Required.Contains((property.DeclaringType!, property.Name));

    /// <summary>Why a key that exists elsewhere is not taken here, and what to use instead; null for every other key.</summary>
    public static string? Refusal(Type type, string key) => Refused.GetValueOrDefault((type, key));

    /// <summary>The keys of ours inside a record of YARP's.</summary>
    public static IEnumerable<ModelKey> Extra(Type type) => Added.GetValueOrDefault(type, []);

    private sealed class RefusedKeyComparer : IEqualityComparer<(Type Type, string Key)>
    {
        public static readonly RefusedKeyComparer Instance = new();

        public bool Equals((Type Type, string Key) x, (Type Type, string Key) y) =>
            x.Type == y.Type && x.Key.Equals(y.Key, StringComparison.OrdinalIgnoreCase);

        public int GetHashCode((Type Type, string Key) pair) => HashCode.Combine(pair.Type, pair.Key.GetHashCode(StringComparison.OrdinalIgnoreCase));
    }
}
