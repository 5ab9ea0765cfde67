using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.LoadBalancing;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Where requests go.</summary>
internal static class ClusterChecks
{
    /// <summary>Checks every cluster by itself, and that a route uses it.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="policies">The policy in force for each route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Dictionary<string, ResolvedPolicy> policies, Findings findings)
    {
        var used = document.ReverseProxy.Routes.Values.Select(route => route.ClusterId)
            .Concat(policies.Values.Select(policy => policy.Options.Fallback?.ClusterId))
            .OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (id, cluster) in document.ReverseProxy.Clusters)
        {
            var node = root.Find("ReverseProxy", "Clusters", id)!;
            if (!used.Contains(id))
            {
                findings.Warning(node, "no route leads to this cluster; name it in a route's ClusterId, or remove it");
            }

            if (cluster.LoadBalancingPolicy is { } policy && !DestinationSelector.PolicyNames.Contains(policy, StringComparer.OrdinalIgnoreCase))
            {
                findings.Error(node.Nearest("LoadBalancingPolicy"),
                    $"there is no load balancing policy \"{policy}\"{NearestName.Hint(policy, DestinationSelector.PolicyNames)}");
            }

            if (cluster.HttpClient?.DangerousAcceptAnyServerCertificate == true)
            {
                findings.Warning(node.Nearest("HttpClient", "DangerousAcceptAnyServerCertificate"),
                    "anybody on the network path can pose as this upstream; trust its authority by Resilience.Tls.CaPath instead");
            }

            if (cluster.SessionAffinity?.AffinityKeyName is { } key && !HttpToken.Is(key))
            {
                findings.Error(node.Nearest("SessionAffinity", "AffinityKeyName"), $"must be the name of a cookie or of a header, but is \"{key}\"");
            }

            CheckDestinations(node, cluster.Destinations, findings);
        }
    }

    private static void CheckDestinations(
        ConfigNode cluster, IReadOnlyDictionary<string, Yarp.ReverseProxy.Configuration.DestinationConfig>? destinations, Findings findings)
    {
        if (destinations is not { Count: > 0 })
        {
            if (!findings.HasErrorsIn(cluster))
            {
                findings.Error(cluster.Nearest("Destinations"), "the cluster has no destination; add one, such as \"a\": { \"Address\": \"http://10.0.0.1:8080/\" }");
            }

            return;
        }

        foreach (var (id, destination) in destinations)
        {
            var node = cluster.Nearest("Destinations", id, "Address");
            CheckAddress(node, destination.Address, findings);
            CheckAddress(cluster.Nearest("Destinations", id, "Health"), destination.Health, findings);
            if (destination.Host is { } host
                && (host.Length == 0 || Uri.CheckHostName(HostString.FromUriComponent(host).Host.Trim('[', ']')) == UriHostNameType.Unknown))
            {
                findings.Error(cluster.Nearest("Destinations", id, "Host"), $"must be a host name, with a port or without, but is \"{host}\"");
            }
        }
    }

    // Null is missing, and said by the binder where it matters.
    private static void CheckAddress(ConfigNode node, string? text, Findings findings)
    {
        if (text is null)
        {
            return;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            findings.Error(node, $"must be an absolute http or https URL, but is \"{text}\"");
        }
        else if (address.Query.Length > 0 || address.Fragment.Length > 0 || address.UserInfo.Length > 0)
        {
            findings.Error(node, "must hold nothing but scheme, host, port and path; remove the query, the fragment and the user");
        }
    }
}
