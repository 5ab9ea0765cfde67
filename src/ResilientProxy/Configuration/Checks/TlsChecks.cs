using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using ResilientProxy.Configuration.Kestrel;
using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Certificates and TLS versions, of listeners and of upstreams.</summary>
internal static class TlsChecks
{
    // SSL 2, SSL 3, TLS 1.0 and 1.1 by their bits: their names are marked as obsolete. RFC 8996 forbids them.
    private const SslProtocols Broken = (SslProtocols)(0x0C | 0x30 | 0xC0 | 0x300);

    private static readonly string[] TlsKeys =
        [nameof(KestrelEndpoint.Certificate), nameof(KestrelEndpoint.Sni), nameof(KestrelEndpoint.SslProtocols), nameof(KestrelEndpoint.ClientCertificateMode), nameof(KestrelEndpoint.ClientCertificateAuthority)];

    /// <summary>Checks the listeners.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Findings findings)
    {
        var section = document.Kestrel;
        CheckVersions(root.Nearest("Kestrel", "EndpointDefaults", "SslProtocols"), section.EndpointDefaults?.SslProtocols, findings);
        CheckCertificate(root.Nearest("Kestrel", "EndpointDefaults", "Certificate"), section.EndpointDefaults?.Certificate, findings);
        foreach (var (name, certificate) in section.Certificates ?? new Dictionary<string, KestrelCertificate>())
        {
            CheckCertificate(root.Nearest("Kestrel", "Certificates", name), certificate, findings);
        }

        foreach (var (name, endpoint) in section.Endpoints)
        {
            if (root.Find("Kestrel", "Endpoints", name) is not { } node || findings.HasErrorsIn(node))
            {
                continue;
            }

            if (!endpoint.IsHttps)
            {
                foreach (var key in TlsKeys.Select(key => node.Find(key)).OfType<ConfigNode>())
                {
                    findings.Error(key, "is for https only, but the listener's Url is not https; change the Url, or remove the key");
                }

                continue;
            }

            CheckEndpoint(node, endpoint, section, findings);
        }
    }

    /// <summary>Warns of versions of TLS that are broken.</summary>
    /// <param name="node">Where they are written.</param>
    /// <param name="versions">The versions; null where nothing is said.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void CheckVersions(ConfigNode node, SslProtocols? versions, Findings findings)
    {
        if ((versions & Broken) > 0)
        {
            findings.Warning(node, "TLS before 1.2 is broken and forbidden (RFC 8996); take \"Tls12\" and \"Tls13\"");
        }
    }

    private static void CheckEndpoint(ConfigNode node, KestrelEndpoint endpoint, KestrelSection section, Findings findings)
    {
        var certificate = endpoint.Certificate ?? section.DefaultCertificate;
        var mode = endpoint.ClientCertificateMode ?? section.EndpointDefaults?.ClientCertificateMode;
        var authority = endpoint.ClientCertificateAuthority ?? section.EndpointDefaults?.ClientCertificateAuthority;
        if (certificate is null && endpoint.Sni is not { Count: > 0 })
        {
            findings.Error(node, "the https listener has no certificate; add \"Certificate\": { \"Path\": \"tls.crt\", \"KeyPath\": \"tls.key\" }");
        }

        CheckVersions(node.Nearest("SslProtocols"), endpoint.SslProtocols, findings);
        CheckCertificate(node.Nearest("Certificate"), endpoint.Certificate, findings);
        CheckClients(node, mode, authority, findings);
        foreach (var (host, sni) in endpoint.Sni ?? new Dictionary<string, KestrelEndpointDefaults>())
        {
            var place = node.Nearest("Sni", host);
            if (sni.Certificate is null && certificate is null)
            {
                findings.Error(place, "there is no certificate for this name, here or for the listener; add \"Certificate\"");
            }

            CheckVersions(place.Nearest("SslProtocols"), sni.SslProtocols, findings);
            CheckCertificate(place.Nearest("Certificate"), sni.Certificate, findings);
            if (sni.ClientCertificateMode is not null || sni.ClientCertificateAuthority is not null)
            {
                CheckClients(place, sni.ClientCertificateMode ?? mode, sni.ClientCertificateAuthority ?? authority, findings);
            }
        }
    }

    private static void CheckClients(ConfigNode node, ClientCertificateMode? mode, KestrelClientAuthority? authority, Findings findings)
    {
        FileCheck.Run(node.Nearest("ClientCertificateAuthority", "Path"), authority?.Path, findings);
        switch (mode)
        {
            case ClientCertificateMode.DelayCertificate:
                findings.Error(node.Nearest("ClientCertificateMode"), "the proxy never asks later for a certificate; take \"AllowCertificate\" or \"RequireCertificate\"");
                break;
            case ClientCertificateMode.RequireCertificate or ClientCertificateMode.AllowCertificate when authority is null:
                findings.Warning(node.Nearest("ClientCertificateMode"),
                    "whoever has a certificate of any authority that this machine trusts is let in; name your own in ClientCertificateAuthority");
                break;
            case null or ClientCertificateMode.NoCertificate when authority is not null:
                findings.Warning(node.Nearest("ClientCertificateAuthority"), "no client is asked for a certificate; set ClientCertificateMode to \"RequireCertificate\"");
                break;
        }
    }

    private static void CheckCertificate(ConfigNode node, KestrelCertificate? certificate, Findings findings)
    {
        if (certificate is null || findings.HasErrorsIn(node))
        {
            return;
        }

        if (string.IsNullOrEmpty(certificate.Path) == string.IsNullOrEmpty(certificate.Subject))
        {
            findings.Error(node, "must have either a Path, for a certificate of a file, or a Subject, for one of the system's store");
        }
        else if (certificate is { KeyPath: not null, Path: null })
        {
            findings.Error(node.Nearest("KeyPath"), "is for a certificate of a file only; add Path");
        }

        FileCheck.Run(node.Nearest("Path"), certificate.Path, findings);
        FileCheck.Run(node.Nearest("KeyPath"), certificate.KeyPath, findings);
        if (certificate.Location is { } location && !Enum.TryParse<StoreLocation>(location, ignoreCase: true, out _))
        {
            findings.Error(node.Nearest("Location"), $"must be \"CurrentUser\" or \"LocalMachine\", but is \"{location}\"");
        }
    }
}
