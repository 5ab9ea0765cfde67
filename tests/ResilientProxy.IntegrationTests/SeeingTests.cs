using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class SeeingTests
{
    private static readonly string[] Expected =
    [
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds",
        "dotnet_gc_collections_total", "dotnet_gc_pause_time_seconds_total", "dotnet_gc_heap_total_allocated_bytes_total",
        "dotnet_thread_pool_threads", "dotnet_thread_pool_queue_length",
        "kestrel_active_connections", "kestrel_queued_connections",
        "http_client_open_connections", "http_client_request_time_in_queue_seconds",
    ];

    [Fact]
    public async Task What_the_runtime_kestrel_and_the_client_say_is_in_the_scrape()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        await proxy.Client.GetStringAsync("/");

        var scrape = await proxy.Admin.GetStringAsync("/metrics");

        var families = scrape.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]).ToHashSet();
        Assert.Empty(Expected.Except(families));
    }

    [Fact]
    public async Task The_access_log_shows_the_headers_it_is_told_to_and_no_credentials()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url), "\"AccessLog\": { \"Headers\": [\"User-Agent\", \"Authorization\", \"Referer\"] }");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("User-Agent", "curl/8");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer s3cret");
        using var response = await proxy.Client.SendAsync(request);

        var headers = Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("headers");

        Assert.Equal("curl/8", headers.GetProperty("User-Agent").GetString());
        Assert.Equal("***", headers.GetProperty("Authorization").GetString());
        Assert.Equal(JsonValueKind.Null, headers.GetProperty("Referer").ValueKind);
    }

    [Fact]
    public async Task The_access_log_of_a_proxy_that_is_told_nothing_shows_no_header_and_off_silences_it()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using var plain = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        await using var silent = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), "\"AccessLog\": \"off\"");

        await silent.Client.GetStringAsync("/");
        await silent.DrainAsync();
        await plain.Client.GetStringAsync("/");

        Assert.False(Assert.Single(await plain.AccessLogAsync(1)).TryGetProperty("headers", out _));
        Assert.Empty(silent.AccessLogStream.Lines());
    }

    [Fact]
    public async Task A_reload_that_leaves_the_access_log_s_headers_as_they_are_asks_for_no_restart()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        const string Log = "\"AccessLog\": { \"Headers\": [\"User-Agent\"] }";
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), Log);

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("\"Retry\": \"off\"", "", upstream.Url), Log)));

        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_config_restart_required"));
    }
}
