using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

[Collection("process-wide listeners")]
public class OtlpTests
{
    [Fact]
    public async Task Traces_and_metrics_go_to_the_collector_and_the_end_sends_what_is_left()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using (var proxy = await StartAsync(upstream, new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_SERVICE_NAME"] = "shop-proxy",
            ["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=testing",
        }))
        {
            Assert.Equal("hello", await proxy.Client.GetStringAsync("/otlp-path"));
            await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_request_duration_seconds_count{route=\"route\"}") == 1, "the request's end");
            Assert.Contains(proxy.Log.Lines, line => line.Contains("traces and metrics by OTLP", StringComparison.Ordinal));
        }

        Assert.True(collector.Has("/v1/traces", "shop-proxy", "testing", "GET route", "/otlp-path", "resilient_proxy.destination", "http.request.resend_count"));
        Assert.True(collector.Has("/v1/metrics", "shop-proxy", "resilient_proxy_requests_total", "resilient_proxy_request_duration_seconds", "dotnet.gc.collections", "kestrel.active_connections"));
        Assert.DoesNotContain(collector.Received, request => request.Body.Contains("http.client.request.duration", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metrics_go_out_at_the_interval_asked_for()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using var proxy = await StartAsync(upstream, new()
        {
            ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = collector.Url + "/mine",
            ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "50",
        });

        await Eventually.TrueAsync(() => collector.Has("/mine", "resilient-proxy", "resilient_proxy_build_info"), "the metrics");
        Assert.Contains(proxy.Log.Lines, line => line.Contains("Exporting metrics by OTLP", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_the_sampler_s_consent_nothing_is_traced_and_the_upstream_is_told_so()
    {
        await using var collector = await OtlpCollector.StartAsync();
        string? traceParent = null;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            traceParent = context.Request.Headers.TraceParent;
            return context.Response.WriteAsync("hello");
        });
        await using (var proxy = await StartAsync(upstream, new()
        {
            ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = collector.Url + "/v1/traces",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio",
            ["OTEL_TRACES_SAMPLER_ARG"] = "0",
            ["OTEL_SERVICE_NAME"] = "sampled-proxy",
        }))
        {
            await proxy.Client.GetStringAsync("/not-sampled");
            using var sampled = new HttpRequestMessage(HttpMethod.Get, "/caller-sampled");
            sampled.Headers.TryAddWithoutValidation("traceparent", $"00-{ActivityTraceId.CreateRandom().ToHexString()}-b7ad6b7169203331-01");
            using var response = await proxy.Client.SendAsync(sampled);
        }

        Assert.True(collector.Has("/v1/traces", "sampled-proxy", "/caller-sampled"));
        Assert.False(collector.Has("/v1/traces", "/not-sampled"));
        Assert.EndsWith("-01", traceParent);
        Assert.DoesNotContain(collector.Received, request => request.Path == "/v1/metrics");
    }

    [Fact]
    public async Task A_collector_that_is_away_is_told_in_the_log_and_holds_up_neither_requests_nor_the_end()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        var proxy = await StartAsync(upstream, new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = RawUpstream.DeadUrl(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "50",
        });

        Assert.Equal("hello", await proxy.Client.GetStringAsync("/"));
        await Eventually.TrueAsync(() => proxy.Log.Lines.Any(line => line.Contains("The export by OTLP has trouble", StringComparison.Ordinal)), "the warning");
        await proxy.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_collector_that_never_answers_holds_the_end_up_for_a_few_seconds_at_most()
    {
        var hangs = new TaskCompletionSource();
        await using var collector = await Upstream.StartAsync(_ => hangs.Task);
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        var proxy = await StartAsync(upstream, new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "60000",
        });
        Assert.Equal("hello", await proxy.Client.GetStringAsync("/"));

        await proxy.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.NotEmpty(collector.Requests);
        hangs.SetResult();
    }

    private static Task<RunningProxy> StartAsync(Upstream upstream, Dictionary<string, string> environment) =>
        RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), environment: environment);
}
