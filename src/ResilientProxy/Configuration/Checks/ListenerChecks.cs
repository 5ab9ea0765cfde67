using System.Net;
using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Where the proxy listens.</summary>
internal static class ListenerChecks
{
    /// <summary>Checks the endpoints and the admin listener.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Findings findings)
    {
        if (root.Find("Kestrel", "Endpoints") is ConfigObject { Members.Count: 0 } none)
        {
            findings.Error(none, "there is no endpoint; add one, such as \"Http\": { \"Url\": \"http://0.0.0.0:8080\" }");
        }

        CheckKnownProxies(root, document, findings);
        var admin = CheckAdmin(root, document.Admin, findings);
        foreach (var (name, endpoint) in document.Kestrel.Endpoints)
        {
            if (root.Find("Kestrel", "Endpoints", name, "Url") is not { } node || findings.HasErrorsIn(node))
            {
                continue;
            }

            if (TryParse(endpoint.Url) is not { } address)
            {
                findings.Error(node, $"must be an http or https address such as \"http://0.0.0.0:8080\", but is \"{endpoint.Url}\"");
            }
            else if (admin is not null && admin.Port != 0 && address.Port == admin.Port)
            {
                findings.Error(node, $"listens on port {address.Port}, which is the port of Admin.Url; give one of them another port");
            }
        }
    }

    private static void CheckKnownProxies(ConfigObject root, ConfigDocument document, Findings findings)
    {
        foreach (var everybody in document.ForwardedHeaders.KnownProxies.Where(static proxies => proxies.IsEverybody))
        {
            findings.Warning(root.Nearest("ForwardedHeaders", "KnownProxies"),
                $"\"{everybody}\" is every address there is: any client can then claim any address; name the proxies in front of this one");
        }
    }

    private static Uri? CheckAdmin(ConfigObject root, AdminOptions admin, Findings findings)
    {
        var node = root.Nearest("Admin", "Url");
        if (!Uri.TryCreate(admin.Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/" || url.UserInfo.Length > 0
            || !(IPAddress.TryParse(url.DnsSafeHost, out _) || url.IsLoopback))
        {
            findings.Error(node, $"must be an http URL of an IP address or localhost, without a path, such as \"http://127.0.0.1:9901\", but is \"{admin.Url}\"");
            return null;
        }

        if (!url.IsLoopback && string.IsNullOrEmpty(admin.Token))
        {
            findings.Warning(node, "others can reach the admin endpoint and drain this proxy; set Admin.Token, or listen on 127.0.0.1");
        }

        return url;
    }

    private static BindingAddress? TryParse(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.Scheme is "http" or "https" && address.PathBase.Length == 0 && address.Port is >= 0 and <= ushort.MaxValue ? address : null;
        }
        catch (FormatException)
        {
            return null; // the caller says what was expected
        }
    }
}
