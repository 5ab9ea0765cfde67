using ResilientProxy.Configuration.Tree;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Everything that YARP itself would refuse: patterns, transforms, affinity, and whatever else it looks at.</summary>
internal static class YarpChecks
{
    private static readonly Lazy<IConfigValidator> Validator = new(static () =>
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddReverseProxy();
        return services.BuildServiceProvider().GetRequiredService<IConfigValidator>();
    });

    /// <summary>Asks YARP about every route and cluster in which nothing was found yet.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Findings findings)
    {
        foreach (var (id, cluster) in document.ReverseProxy.Clusters)
        {
            var node = root.Find("ReverseProxy", "Clusters", id)!;

            // The policies by name are ours, and so checked by us.
            Check(node, findings, () => Validator.Value.ValidateClusterAsync(cluster with { LoadBalancingPolicy = null }));
        }

        foreach (var (id, route) in document.ReverseProxy.Routes)
        {
            Check(root.Find("ReverseProxy", "Routes", id)!, findings, () => Validator.Value.ValidateRouteAsync(route));
        }
    }

    // The validator is asynchronous in form only: nothing in it waits.
    private static void Check(ConfigNode node, Findings findings, Func<ValueTask<IList<Exception>>> validate)
    {
        if (findings.HasErrorsIn(node))
        {
            return;
        }

        foreach (var error in validate().AsTask().GetAwaiter().GetResult())
        {
            findings.Error(PlaceOf(node, error.Message), error.Message);
        }
    }

    private static ConfigNode PlaceOf(ConfigNode node, string message) => message switch
    {
        _ when message.Contains("transform", StringComparison.OrdinalIgnoreCase) => node.Nearest("Transforms"),
        _ when message.Contains("affinity", StringComparison.OrdinalIgnoreCase) => node.Nearest("SessionAffinity"),
        _ when message.Contains("health", StringComparison.OrdinalIgnoreCase) => node.Nearest("HealthCheck"),
        _ when message.Contains("path", StringComparison.OrdinalIgnoreCase) => node.Nearest("Match", "Path"),
        _ => node,
    };
}
