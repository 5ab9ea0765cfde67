using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.ProtocolTests.Peers;
using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

/// <summary>What a real Prometheus sees of the program under load is what the load generator and the upstreams counted.</summary>
public sealed class PrometheusTests : IDisposable
{
    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-prometheus-");

    public void Dispose() => _folder.Delete(recursive: true);

    [FactIfInstalled("prometheus")]
    public async Task A_real_prometheus_scrapes_under_load_and_its_sums_are_those_of_the_load_generator()
    {
        var served = 0;
        await using var good = await Upstream.StartAsync(context =>
        {
            Interlocked.Increment(ref served);
            context.Response.StatusCode = context.Request.Path == "/missing" ? 404 : 200;
            return context.Response.WriteAsync("0123456789");
        });
        await using var bad = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        var file = Path.Combine(_folder.FullName, "proxy.json");
        await File.WriteAllTextAsync(file, RunningProxy.ConfigText(RunningProxy.OneRoute(
            "\"Retry\": { \"Budget\": { \"MinRetriesPerSecond\": 100000 } }",
            "\"LoadBalancingPolicy\": \"RoundRobin\", \"Resilience\": { \"CircuitBreaker\": \"off\" }",
            good.Url, bad.Url)));
        await using var proxy = await ProxyProcess.ServeAsync(file);
        var port = FreePort();
        using var prometheus = await StartPrometheusAsync(new Uri(proxy.AdminUrl).Authority, port);
        try
        {
            using var api = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            await Eventually.TrueAsync(async () => await QueryAsync(api, "up{job=\"proxy\"}") == 1, "the first scrape", TimeSpan.FromSeconds(30));

            var (ok, missing) = await LoadAsync(proxy.Url);
            await Eventually.TrueAsync(
                async () => await QueryAsync(api, "sum(resilient_proxy_requests_total{route=\"route\"})") == ok + missing, "the last scrape", TimeSpan.FromSeconds(15));

            Assert.Equal(ok, await QueryAsync(api, "sum(resilient_proxy_requests_total{code=\"2xx\",outcome=\"success\"})"));
            Assert.Equal(missing, await QueryAsync(api, "sum(resilient_proxy_requests_total{code=\"4xx\"})"));
            Assert.Equal(bad.Requests.Count, await QueryAsync(api, "sum(resilient_proxy_retries_total{reason=\"503\"})"));
            Assert.Equal(bad.Requests.Count, await QueryAsync(api, "sum(resilient_proxy_attempts_total{destination=\"b\",outcome=\"503\"})"));
            Assert.Equal(served, await QueryAsync(api, "sum(resilient_proxy_attempts_total{destination=\"a\"})"));
            Assert.Equal(bad.Requests.Count, await QueryAsync(api, "sum(resilient_proxy_rescued_requests_total{by=\"retry\"})"));
            Assert.Equal(10 * (ok + missing), await QueryAsync(api, "sum(resilient_proxy_client_bytes_total{direction=\"out\"})"));
            Assert.Equal(ok + missing, await QueryAsync(api, "sum(resilient_proxy_request_duration_seconds_count{route=\"route\"})"));
            Assert.Equal(0, await QueryAsync(api, "sum(resilient_proxy_requests_in_flight)"));
            Assert.Equal(1, await QueryAsync(api, "min_over_time(up{job=\"proxy\"}[30s])"));
            Assert.True(ok > 1000, $"only {ok} requests");
            using var targets = JsonDocument.Parse(await api.GetStringAsync("/api/v1/targets"));
            Assert.Equal("", targets.RootElement.GetProperty("data").GetProperty("activeTargets")[0].GetProperty("lastError").GetString());
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync();
        }
    }

    private static async Task<(int Ok, int Missing)> LoadAsync(string url)
    {
        using var client = new HttpClient { BaseAddress = new Uri(url) };
        var (ok, missing) = (0, 0);
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async worker =>
        {
            for (var i = 0; Stopwatch.GetElapsedTime(started) < LoadTime; i++)
            {
                using var response = await client.GetAsync(i % 10 == 0 ? "/missing" : "/there");
                await response.Content.ReadAsByteArrayAsync();
                Interlocked.Increment(ref response.StatusCode == HttpStatusCode.OK ? ref ok : ref missing);
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{response.StatusCode}");
                await Task.Delay(5);
            }
        }));
        return (ok, missing);
    }

    private async Task<Process> StartPrometheusAsync(string target, int port)
    {
        var config = Path.Combine(_folder.FullName, "prometheus.yml");
        await File.WriteAllTextAsync(config, $"""
            global: {"{"} scrape_interval: 1s, scrape_timeout: 1s {"}"}
            scrape_configs:
              - job_name: proxy
                static_configs: [ {"{"} targets: [ "{target}" ] {"}"} ]
            """);
        return Process.Start(new ProcessStartInfo(
            FactIfInstalledAttribute.PathOf("prometheus")!,
            [$"--config.file={config}", $"--storage.tsdb.path={Path.Combine(_folder.FullName, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]))!;
    }

    private static async Task<double> QueryAsync(HttpClient api, string query)
    {
        try
        {
            using var answer = JsonDocument.Parse(await api.GetStringAsync("/api/v1/query?query=" + Uri.EscapeDataString(query)));
            var result = answer.RootElement.GetProperty("data").GetProperty("result");
            return result.GetArrayLength() == 0 ? 0 : double.Parse(result[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
        }
        catch (HttpRequestException)
        {
            return double.NaN; // not listening yet: equal to nothing
        }
    }

    // Prometheus cannot take a free port by itself; the moment between is as short as it can be.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
