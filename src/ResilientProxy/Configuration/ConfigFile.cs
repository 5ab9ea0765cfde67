using System.Buffers;
using System.Text.Json;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Checks;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Errors;
using ResilientProxy.RateLimiting;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration;

/// <summary>What came of reading a config: a config that may be used, or the errors that forbid it.</summary>
/// <param name="Config">The config; null exactly when <paramref name="Findings"/> holds an error.</param>
/// <param name="Findings">Every error and warning, in the order of the file.</param>
internal sealed record ConfigResult(ProxyConfig? Config, IReadOnlyList<ConfigFinding> Findings);

/// <summary>Reads a config: the file, then environment variables and arguments over it, then every check there is.</summary>
internal static class ConfigFile
{
    private static readonly string[] Sections = [.. ModelShape.Of(typeof(ConfigDocument)).Keys.Select(key => key.Name).Where(name => name[0] != '$')];

    /// <summary>Whether a name is one of the config's top-level keys.</summary>
    /// <param name="name">The name.</param>
    public static bool IsSection(string name) => Sections.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads and checks a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="environment">Environment variables; those that name a section of the config override it.</param>
    /// <param name="overrides">Arguments <c>--Section:Key=value</c>; they win over variables.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static ConfigResult Load(string path, IEnumerable<KeyValuePair<string, string>> environment, IReadOnlyList<string> overrides) =>
        Parse(File.ReadAllBytes(path), environment, overrides);

    /// <summary>Checks what was read.</summary>
    /// <param name="utf8">The file's bytes.</param>
    /// <param name="environment">Environment variables; those that name a section of the config override it.</param>
    /// <param name="overrides">Arguments <c>--Section:Key=value</c>; they win over variables.</param>
    public static ConfigResult Parse(ReadOnlySpan<byte> utf8, IEnumerable<KeyValuePair<string, string>> environment, IReadOnlyList<string> overrides)
    {
        var findings = new Findings();
        if (TreeReader.Read(utf8, findings) is not { } root)
        {
            return new(null, findings.InFileOrder());
        }

        var layers = new Overrides(root, Sections, findings);
        layers.ApplyEnvironment(environment);
        layers.ApplyArguments(overrides);
        new References(environment, findings).Resolve(root);

        var binder = new ConfigBinder(findings);
        var document = binder.Bind<ConfigDocument>(root);
        var policies = new PolicyLayers(root.Find("Resilience", "Policies") as ConfigObject, binder, findings);
        var routes = document.ReverseProxy.Routes.ToDictionary(
            route => route.Key,
            route => policies.Resolve(root.Find("ReverseProxy", "Routes", route.Key, YarpKeys.Resilience)),
            StringComparer.OrdinalIgnoreCase);
        var clusters = document.ReverseProxy.Clusters.ToDictionary(
            cluster => cluster.Key,
            cluster => root.Find("ReverseProxy", "Clusters", cluster.Key, YarpKeys.Resilience) is { } node and not ConfigScalar { ScalarKind: ScalarKind.Null } ? binder.Bind<ClusterOptions>(node) : new(),
            StringComparer.OrdinalIgnoreCase);

        // By reference: records that say the same are equal, and belong to different clusters.
        var destinations = new Dictionary<DestinationConfig, DestinationOptions>(ReferenceEqualityComparer.Instance);
        foreach (var (id, cluster) in document.ReverseProxy.Clusters)
        {
            foreach (var (name, destination) in cluster.Destinations ?? new Dictionary<string, DestinationConfig>())
            {
                destinations[destination] = binder.BindAmong<DestinationOptions>(root.Find("ReverseProxy", "Clusters", id, "Destinations", name) as ConfigObject);
            }
        }

        policies.WarnOfUnused();
        ConfigChecks.Run(root, document, routes, clusters, findings);
        var all = findings.InFileOrder();
        return findings.HasErrors ? new(null, all) : new(Build(root, document, routes, clusters, destinations, findings.Secrets), all);
    }

    private static ProxyConfig Build(
        ConfigObject root,
        ConfigDocument document,
        Dictionary<string, ResolvedPolicy> routes,
        Dictionary<string, ClusterOptions> clusters,
        Dictionary<DestinationConfig, DestinationOptions> destinations,
        SecretValues secrets) => new()
        {
            HostSettings = HostSettings.Flatten(root, "Kestrel", "Logging"),
            Kestrel = document.Kestrel,
            Secrets = secrets,
            Admin = document.Admin,
            Overload = document.Overload,
            KnownProxies = document.ForwardedHeaders.KnownProxies,
            MaxReplayMemory = document.Resilience.MaxReplayMemory,
            AttemptTrailHeader = document.Resilience.AttemptTrailHeader is { } header && !header.Equals("off", StringComparison.OrdinalIgnoreCase) ? header : null,
            AccessLog = document.AccessLog ?? new AccessLogOptions { Path = "off" },
            Routes = [.. document.ReverseProxy.Routes.Select(route => new RouteEntry(
                route.Value, routes[route.Key].Options, Digest(route.Value, routes[route.Key].Options, destinations), routes[route.Key].Written))],
            Clusters = [.. document.ReverseProxy.Clusters.Select(cluster => new ClusterEntry(
                cluster.Value,
                clusters[cluster.Key],
                cluster.Value.Destinations?.ToDictionary(destination => destination.Key, destination => destinations[destination.Value], StringComparer.OrdinalIgnoreCase) ?? [],
                Digest(cluster.Value, clusters[cluster.Key], destinations))
            {
                Written = root.Find("ReverseProxy", "Clusters", cluster.Key),
            })],
            EffectiveJson = new(() => Write(document, root, showSecrets: false, indented: true, record => record switch
            {
                RouteConfig route => (routes[route.RouteId].Options, routes[route.RouteId].Written),
                ClusterConfig cluster => (clusters[cluster.ClusterId], root.Find("ReverseProxy", "Clusters", cluster.ClusterId, YarpKeys.Resilience)),
                DestinationConfig destination => (destinations[destination], null),
                _ => (null, null),
            })),
        };

    // No attacker writes configs: 128 bits of a quick hash tell two of them apart, and a start needs no cryptography.
    private static string Digest(object yarp, object ours, Dictionary<DestinationConfig, DestinationOptions> destinations)
    {
        var json = Write(yarp, null, showSecrets: true, indented: false, record =>
            (ReferenceEquals(record, yarp) ? ours : record is DestinationConfig destination ? destinations[destination] : null, null));
        var hash = SipHash.Hash128(json, 0, 0);
        return $"{hash.Low:x16}{hash.High:x16}";
    }

    private static byte[] Write(object value, ConfigNode? written, bool showSecrets, bool indented, Func<object, (object?, ConfigNode?)> extra)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = indented }))
        {
            new ModelWriter(json, showSecrets, extra).Write(value, written);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
