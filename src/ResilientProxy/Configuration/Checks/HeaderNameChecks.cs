using ResilientProxy.Configuration.Tree;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Configuration.Checks;

/// <summary>The headers that a config names for the proxy's own use: names that can be sent, and that mean nothing else.</summary>
internal static class HeaderNameChecks
{
    // Not all there are, but those that break a message or a client when somebody else's words stand in them.
    private static readonly HashSet<string> Taken = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept-Ranges", "Age", "Allow", "Alt-Svc", "Authorization", "Cache-Control", "Connection", "Content-Disposition", "Content-Encoding", "Content-Language",
        "Content-Length", "Content-Location", "Content-Range", "Content-Security-Policy", "Content-Type", "Cookie", "Date", "ETag", "Expect", "Expires", "Forwarded",
        "Host", "Keep-Alive", "Last-Modified", "Link", "Location", "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
        "Proxy-Status", "Range", "Retry-After", "Server", "Set-Cookie", "Strict-Transport-Security", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
        "Vary", "Via", "Warning", "WWW-Authenticate", "grpc-status", "grpc-message", "grpc-encoding", "traceparent", "tracestate",
    };

    /// <summary>Checks the header of the attempt trail, and every route's header of the deadline.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="policies">The policy in force for each route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Dictionary<string, ResolvedPolicy> policies, Findings findings)
    {
        var trail = document.Resilience.AttemptTrailHeader;
        if (!trail.Equals("off", StringComparison.OrdinalIgnoreCase))
        {
            Check(root.Nearest("Resilience", "AttemptTrailHeader"), trail, "X-Attempt-Trail", findings);
        }

        foreach (var (id, policy) in policies)
        {
            if (policy.Options.Deadline?.Header is not { } header)
            {
                continue;
            }

            var node = policy.Written?.Nearest("Deadline", "Header") ?? root.Find("ReverseProxy", "Routes", id)!;
            if (header.Equals(Deadline.GrpcHeader, StringComparison.OrdinalIgnoreCase))
            {
                findings.Error(node, $"{Deadline.GrpcHeader} always counts, in its own notation; name another header, which holds milliseconds, or remove the key");
            }
            else
            {
                Check(node, header, "X-Request-Timeout-Ms", findings);
            }
        }
    }

    private static void Check(ConfigNode node, string name, string example, Findings findings)
    {
        if (!HttpToken.Is(name))
        {
            findings.Error(node, $"must be the name of a header, such as \"{example}\", but is \"{name}\"");
        }
        else if (Taken.Contains(name))
        {
            findings.Error(node, $"\"{name}\" has a meaning of its own in HTTP; take another name, such as \"{example}\"");
        }
    }
}
