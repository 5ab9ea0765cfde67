using ResilientProxy.Configuration.Tree;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration.Checks;

/// <summary>How upstreams are known to be themselves.</summary>
internal static class UpstreamTlsChecks
{
    /// <summary>Checks every cluster.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="clusters">Our part of each cluster.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Dictionary<string, ClusterOptions> clusters, Findings findings)
    {
        foreach (var (id, cluster) in document.ReverseProxy.Clusters)
        {
            var node = root.Find("ReverseProxy", "Clusters", id)!;
            TlsChecks.CheckVersions(node.Nearest("HttpClient", "SslProtocols"), cluster.HttpClient?.SslProtocols, findings);
            if (clusters[id].Tls is not { } tls)
            {
                continue;
            }

            var place = node.Nearest("Resilience", "Tls");
            if (tls.CertificatePath is null && (tls.KeyPath is not null || tls.Password is not null))
            {
                findings.Error(place.Nearest(tls.KeyPath is null ? "Password" : "KeyPath"), "is for a certificate of the proxy's own; add CertificatePath");
            }

            FileCheck.Run(place.Nearest("CaPath"), tls.CaPath, findings);
            FileCheck.Run(place.Nearest("CertificatePath"), tls.CertificatePath, findings);
            FileCheck.Run(place.Nearest("KeyPath"), tls.KeyPath, findings);
            if (tls.ServerName is { } name && Uri.CheckHostName(name) is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6))
            {
                findings.Error(place.Nearest("ServerName"), $"must be a host name, without a port, but is \"{name}\"");
            }

            if (cluster.HttpClient?.DangerousAcceptAnyServerCertificate == true && (tls.CaPath ?? tls.ServerName) is not null)
            {
                findings.Warning(place.Nearest(tls.CaPath is null ? "ServerName" : "CaPath"),
                    "nothing is checked, because DangerousAcceptAnyServerCertificate is on; remove that");
            }

            if (cluster.HttpClient?.WebProxy is not null)
            {
                findings.Error(place, "is for direct connections, but HttpClient.WebProxy leads them through another proxy; remove one of the two");
            }

            if (!IsHttps(cluster))
            {
                findings.Warning(place, "no destination of this cluster is https: nothing of this is used");
            }
        }
    }

    private static bool IsHttps(ClusterConfig cluster) =>
        cluster.Destinations?.Values.Any(static destination => destination.Address?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) == true) == true;
}
