using System.Text.Json;
using Microsoft.Extensions.Logging;
using ResilientProxy.Admission;
using ResilientProxy.Hosting;

namespace ResilientProxy.TestSupport;

/// <summary>A whole proxy in this process, from a config file of its own, on free ports.</summary>
public sealed class RunningProxy : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly ProxyApp _app;

    private RunningProxy(DirectoryInfo folder, ProxyApp app, MemoryLog log, SynchronizedStream accessLog)
    {
        _folder = folder;
        _app = app;
        Log = log;
        AccessLogStream = accessLog;
        Client = NewClient();
        Admin = new HttpClient { BaseAddress = new Uri(app.AdminUrl) };
    }

    /// <summary>A client of the proxy's traffic.</summary>
    public HttpClient Client { get; }

    /// <summary>A client of its admin endpoint.</summary>
    public HttpClient Admin { get; }

    /// <summary>Where it serves, without a slash at the end.</summary>
    public string Url => _app.TrafficUrls[0];

    /// <summary>All the addresses it serves at, in the order of the config.</summary>
    public IReadOnlyList<string> Urls => _app.TrafficUrls;

    /// <summary>What it logged.</summary>
    public MemoryLog Log { get; }

    /// <summary>The config file.</summary>
    public string ConfigPath => Path.Combine(_folder.FullName, "proxy.json");

    internal ProxyApp App => _app;

    internal SynchronizedStream AccessLogStream { get; }

    /// <summary>Starts a proxy.</summary>
    /// <param name="reverseProxy">The <c>ReverseProxy</c> section.</param>
    /// <param name="more">Further top-level members, such as <c>"Resilience": { … }</c>; without a comma at the end.</param>
    /// <param name="endpoints">The members of <c>Kestrel.Endpoints</c>.</param>
    /// <param name="time">The clock; the real one where none is given.</param>
    /// <param name="environment">Environment variables; none where none are given.</param>
    /// <param name="admin">Further members of <c>Admin</c>; without a comma at the end.</param>
    /// <param name="kestrel">Further members of <c>Kestrel</c>; without a comma at the end.</param>
    public static Task<RunningProxy> StartAsync(
        string reverseProxy, string more = "", string? endpoints = null, TimeProvider? time = null,
        IReadOnlyDictionary<string, string>? environment = null,
        string admin = "",
        string kestrel = "") =>
        StartAsync(reverseProxy, more, endpoints, time, overloadProbes: null, environment, admin, kestrel);

    internal static async Task<RunningProxy> StartAsync(
        string reverseProxy,
        string more,
        string? endpoints,
        TimeProvider? time,
        OverloadProbes? overloadProbes,
        IReadOnlyDictionary<string, string>? environment = null,
        string admin = "",
        string kestrel = "")
    {
        var folder = Directory.CreateTempSubdirectory("resilient-proxy-test-");
        var path = Path.Combine(folder.FullName, "proxy.json");
        await File.WriteAllTextAsync(path, ConfigText(reverseProxy, more, endpoints, admin, kestrel));
        var log = new MemoryLog();
        var accessLog = new SynchronizedStream();
        var options = new ProxyAppOptions
        {
            ConfigPath = path,
            Time = time ?? TimeProvider.System,
            Environment = [.. environment ?? new Dictionary<string, string>()],
            StandardOutput = accessLog,
            OverloadProbes = overloadProbes,
            Logging = logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Debug),
        };
        var result = options.CheckConfig(options.ReadConfig());
        if (result.Config is null)
        {
            throw new InvalidOperationException("The test's config is wrong:\n" + string.Join('\n', result.Findings));
        }

        return new(folder, await ProxyApp.StartAsync(result.Config, options), log, accessLog);
    }

    /// <summary>A config of one route for everything to one cluster.</summary>
    /// <param name="resilience">The members of the route's <c>Resilience</c>.</param>
    /// <param name="cluster">Further members of the cluster; without a comma at the end.</param>
    /// <param name="destinations">The destinations' addresses.</param>
    public static string OneRoute(string resilience, string cluster, params IEnumerable<string> destinations)
    {
        var named = destinations.Select((address, index) => $"\"{(char)('a' + index)}\": {{ \"Address\": \"{address}\" }}");
        return $$"""
            {
              "Routes": { "route": { "ClusterId": "cluster", "Match": { "Path": "/{**rest}" }, "Resilience": { {{resilience}} } } },
              "Clusters": { "cluster": { "Destinations": { {{string.Join(", ", named)}} }{{(cluster.Length > 0 ? ", " + cluster : "")}} } }
            }
            """;
    }

    /// <summary>The whole config file. The overload guard is off unless a test speaks of it: a busy test machine is no finding.</summary>
    /// <param name="reverseProxy">The <c>ReverseProxy</c> section.</param>
    /// <param name="more">Further top-level members.</param>
    /// <param name="endpoints">The members of <c>Kestrel.Endpoints</c>.</param>
    /// <param name="admin">Further members of <c>Admin</c>.</param>
    /// <param name="kestrel">Further members of <c>Kestrel</c>.</param>
    public static string ConfigText(string reverseProxy, string more = "", string? endpoints = null, string admin = "", string kestrel = "") => $$"""
        {
          "Kestrel": { "Endpoints": { {{endpoints ?? "\"Http\": { \"Url\": \"http://127.0.0.1:0\" }"}} }{{(kestrel.Length > 0 ? ", " + kestrel : "")}} },
          "Admin": { "Url": "http://127.0.0.1:0", "DrainDelay": "0s", "DrainTimeout": "5s"{{(admin.Length > 0 ? ", " + admin : "")}} },
          {{(more.Contains("\"Overload\"", StringComparison.Ordinal) ? "" : "\"Overload\": \"off\",")}}
          "ReverseProxy": {{reverseProxy}}{{(more.Length > 0 ? ",\n" + more : "")}}
        }
        """;

    /// <summary>A client with connections of its own.</summary>
    /// <param name="address">Where to; the first address where none is given.</param>
    public HttpClient NewClient(string? address = null) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(address ?? Url), Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Writes the config file anew, as an editor does, and takes it over.</summary>
    /// <param name="text">The file's text.</param>
    /// <returns>Whether it was taken over.</returns>
    public async Task<bool> ReloadAsync(string text)
    {
        await File.WriteAllTextAsync(ConfigPath, text);
        return (await _app.Reloader.ReloadAsync()).Successful;
    }

    /// <summary>The value of a series in the proxy's metrics; 0 where there is none.</summary>
    /// <param name="series">The name with its labels, as exposed.</param>
    public async Task<double> MetricAsync(string series)
    {
        var text = await Admin.GetStringAsync("/metrics");
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The access log's lines so far, once there are at least so many.</summary>
    /// <param name="count">How many.</param>
    public async Task<IReadOnlyList<JsonElement>> AccessLogAsync(int count)
    {
        await Eventually.TrueAsync(() => AccessLogStream.Lines().Count >= count, $"{count} lines in the access log");
        return [.. AccessLogStream.Lines().Select(line => JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>Drains as a SIGTERM does.</summary>
    public Task DrainAsync() => _app.DrainAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Admin.Dispose();
        await _app.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
