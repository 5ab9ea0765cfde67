using ResilientProxy.Admission;
using ResilientProxy.Configuration.Kestrel;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Telemetry;
using ResilientProxy.Values;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration;

/// <summary>One whole config, checked: what the file, the environment and the command line say together.</summary>
internal sealed record ProxyConfig
{
    /// <summary>ASP.NET's own <c>Kestrel</c> and <c>Logging</c> sections, flattened to <c>Section:Key</c> pairs.</summary>
    public required IReadOnlyDictionary<string, string?> HostSettings { get; init; }

    /// <summary>The traffic listeners: their certificates and limits.</summary>
    public required KestrelSection Kestrel { get; init; }

    /// <summary>What came by references: to be hidden in whatever is said of this config.</summary>
    public required SecretValues Secrets { get; init; }

    /// <summary>The listener for operators.</summary>
    public required AdminOptions Admin { get; init; }

    /// <summary>The access log.</summary>
    public required AccessLogOptions AccessLog { get; init; }

    /// <summary>When new requests are refused because of the proxy's own state; null for never.</summary>
    public OverloadOptions? Overload { get; init; }

    /// <summary>The proxies whose <c>X-Forwarded-*</c> headers are believed.</summary>
    public required IReadOnlyList<AddressRange> KnownProxies { get; init; }

    /// <summary>What all the request bodies recorded for retries may take together, in bytes.</summary>
    public required long MaxReplayMemory { get; init; }

    /// <summary>The response header that tells the caller of every attempt; null for none.</summary>
    public string? AttemptTrailHeader { get; init; }

    /// <summary>The routes in the order of the file.</summary>
    public required IReadOnlyList<RouteEntry> Routes { get; init; }

    /// <summary>The clusters in the order of the file.</summary>
    public required IReadOnlyList<ClusterEntry> Clusters { get; init; }

    /// <summary>The effective config as JSON in UTF-8, defaults filled in and secrets masked: what <c>GET /config</c> answers. Written when it is first asked for; until then all that it is written from is kept.</summary>
    public required Lazy<byte[]> EffectiveJson { get; init; }

    /// <summary>The same without what was written where, which only checks and explanations ask for: what a running proxy keeps.</summary>
    public ProxyConfig WithoutSources() => this with
    {
        Routes = [.. Routes.Select(static route => route with { Written = null })],
        Clusters = [.. Clusters.Select(static cluster => cluster with { Written = null })],
    };
}

/// <summary>One route: YARP's part as written and our part after inheritance.</summary>
/// <param name="Yarp">YARP's own record; its <c>RouteId</c> is the key in the file.</param>
/// <param name="Options">The policy in force for the route.</param>
/// <param name="Digest">Changes exactly when something of the route changes: the route itself, or the policy in force for it.</param>
/// <param name="Written">What was written of the policy, each value with its origin; null where nothing was.</param>
internal sealed record RouteEntry(RouteConfig Yarp, RouteOptions Options, string Digest, ConfigObject? Written);

/// <summary>One cluster: YARP's part as written and our part with its defaults.</summary>
/// <param name="Yarp">YARP's own record; its <c>ClusterId</c> is the key in the file.</param>
/// <param name="Options">What protects the cluster's destinations.</param>
/// <param name="Destinations">Our part of each destination, by its id.</param>
/// <param name="Digest">Changes exactly when something of the cluster changes.</param>
internal sealed record ClusterEntry(
    ClusterConfig Yarp, ClusterOptions Options, IReadOnlyDictionary<string, DestinationOptions> Destinations, string Digest)
{
    /// <summary>The whole cluster as written, each value with its origin; null where the config was not read from text.</summary>
    public ConfigNode? Written { get; init; }
}
