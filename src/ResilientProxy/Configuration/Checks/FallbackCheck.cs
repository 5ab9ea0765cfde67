using System.Text;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Fallback;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What a route falls back to: an answer that can be sent, or a cluster that exists.</summary>
internal static class FallbackCheck
{
    /// <summary>Checks one route.</summary>
    /// <param name="route">The route as written.</param>
    /// <param name="clusterId">The route's own cluster.</param>
    /// <param name="policy">The policy in force for it.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigNode route, string? clusterId, ResolvedPolicy policy, ConfigDocument document, Findings findings)
    {
        if (policy.Options.Fallback is not { } fallback)
        {
            return;
        }

        ConfigNode At(string key) => policy.Written?.Nearest("Fallback", key) ?? route;
        var clusters = document.ReverseProxy.Clusters;
        if (fallback.ClusterId is { } cluster)
        {
            if (!clusters.ContainsKey(cluster))
            {
                findings.Error(At("ClusterId"), $"there is no cluster \"{cluster}\"{NearestName.Hint(cluster, clusters.Keys)}");
            }
            else if (cluster.Equals(clusterId, StringComparison.OrdinalIgnoreCase))
            {
                findings.Error(At("ClusterId"), "is the route's own cluster, which has just failed; name another one");
            }

            if (fallback.Body is not null || fallback.BodyFile is not null)
            {
                findings.Error(At(fallback.Body is null ? "BodyFile" : "Body"), "a fallback is an answer or a cluster, not both; remove the body or ClusterId");
            }
        }
        else if (fallback.Body is not null && fallback.BodyFile is not null)
        {
            findings.Error(At("BodyFile"), "the body is written in Body already; remove one of them");
        }
        else if (Encoding.UTF8.GetByteCount(fallback.Body ?? "") > FallbackAnswer.MaxBodyBytes)
        {
            findings.Error(At("Body"), "is larger than 1 MiB, which is the most a fallback may hold");
        }

        if (fallback.BodyFile is { } file)
        {
            try
            {
                FallbackAnswer.ReadBody(file);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                findings.Error(At("BodyFile"), $"\"{file}\" cannot be used: {error.Message}");
            }
        }

        foreach (var name in fallback.Headers.Keys.Where(name => !HttpToken.Is(name)))
        {
            findings.Error(policy.Written?.Nearest("Fallback", "Headers", name) ?? route, $"\"{name}\" is no name of a header");
        }

        foreach (var (name, _) in fallback.Headers.Where(header => header.Value.Any(c => c is '\r' or '\n' or '\0' or > '\u00ff')))
        {
            findings.Error(policy.Written?.Nearest("Fallback", "Headers", name) ?? route, "a header's value is one line of Latin-1 text");
        }
    }
}
