using System.Text.Json.Serialization;
using ResilientProxy.Admission;
using ResilientProxy.Configuration.Kestrel;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Telemetry;
using ResilientProxy.Values;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration;

/// <summary>The config file as it is written: its top-level keys. What is in force is <see cref="ProxyConfig"/>.</summary>
internal sealed record ConfigDocument
{
    /// <summary>Where an editor finds the schema; the proxy does not look at it.</summary>
    [JsonPropertyName("$schema")]
    public string? Schema { get; init; }

    /// <summary>The listeners for traffic: ASP.NET's own section.</summary>
    public required KestrelSection Kestrel { get; init; } = new();

    /// <summary>The program's log: ASP.NET's own section, free in form but for the levels.</summary>
    public ConfigObject? Logging { get; init; }

    /// <summary>Routes and clusters, in YARP's own form.</summary>
    public ReverseProxySection ReverseProxy { get; init; } = new();

    /// <summary>What routes share.</summary>
    public ResilienceSection Resilience { get; init; } = new();

    /// <summary>The listener for operators: probes, metrics, state.</summary>
    public AdminOptions Admin { get; init; } = new();

    /// <summary>The access log: one line a request; "off" to silence it.</summary>
    public AccessLogOptions? AccessLog { get; init; } = new();

    /// <summary>When the proxy itself has too much to do and refuses new requests; "off" for never.</summary>
    public OverloadOptions? Overload { get; init; } = new();

    /// <summary>Whose <c>X-Forwarded-*</c> headers are believed.</summary>
    public ForwardedHeadersOptions ForwardedHeaders { get; init; } = new();
}

/// <summary>Routes and clusters.</summary>
internal sealed record ReverseProxySection
{
    /// <summary>The routes by their ids: which requests go to which cluster, and what is promised to the caller.</summary>
    public IReadOnlyDictionary<string, RouteConfig> Routes { get; init; } = new Dictionary<string, RouteConfig>();

    /// <summary>The clusters by their ids: where requests go, and what protects it.</summary>
    public IReadOnlyDictionary<string, ClusterConfig> Clusters { get; init; } = new Dictionary<string, ClusterConfig>();
}

/// <summary>What routes share.</summary>
internal sealed record ResilienceSection
{
    /// <summary>What all the request bodies recorded for retries may take together; 0 to 64 GiB. Beyond it, new requests stream without being recorded.</summary>
    [SizeRange("0", "64GiB")]
    public long MaxReplayMemory { get; init; } = 64 * 1024 * 1024;

    /// <summary>The response header that tells the caller of every attempt, such as "X-Attempt-Trail"; "off", the default, for none.</summary>
    public string AttemptTrailHeader { get; init; } = "off";

    /// <summary>Policies by their names, for a route's <c>Policy</c>; "standard" and "none" are built in.</summary>
    public IReadOnlyDictionary<string, RouteOptions> Policies { get; init; } = new Dictionary<string, RouteOptions>();
}
