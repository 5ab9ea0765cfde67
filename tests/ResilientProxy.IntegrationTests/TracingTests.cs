using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

// Listening is process-wide: what one listener wants sampled, the other one gets too.
[Collection("process-wide listeners")]
public class TracingTests
{
    [Fact]
    public async Task A_request_is_a_server_span_and_each_attempt_a_client_span_under_it_that_the_upstream_is_told()
    {
        using var spans = new Spans();
        var seen = new ConcurrentQueue<string>();
        await using var upstream = await Upstream.StartAsync(context =>
        {
            seen.Enqueue(context.Request.Headers.TraceParent.ToString());
            Assert.Equal("vendor=1", context.Request.Headers["tracestate"].ToString());
            context.Response.StatusCode = seen.Count == 1 ? 503 : 200;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"0s\", \"MaxDelay\": \"0s\" }", "", upstream.Url));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/a%2Fb/c?secret=1");
        request.Headers.TryAddWithoutValidation("traceparent", $"00-{spans.TraceId}-b7ad6b7169203331-01");
        request.Headers.TryAddWithoutValidation("tracestate", "vendor=1");
        using var response = await proxy.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Eventually.TrueAsync(() => spans.Ended.Count == 3, "three spans");

        var server = Assert.Single(spans.Ended, span => span.Kind == ActivityKind.Server);
        Assert.Equal("GET route", server.DisplayName);
        Assert.Equal("b7ad6b7169203331", server.ParentSpanId.ToHexString());
        Assert.Equal("GET", server.GetTagItem("http.request.method"));
        Assert.Equal("/a%2Fb/c", server.GetTagItem("url.path"));
        Assert.Equal("route", server.GetTagItem("http.route"));
        Assert.Equal(200, server.GetTagItem("http.response.status_code"));
        Assert.Equal("127.0.0.1", server.GetTagItem("client.address"));
        Assert.Equal("1.1", server.GetTagItem("network.protocol.version"));
        Assert.Equal("success", server.GetTagItem("resilient_proxy.outcome"));
        Assert.Null(server.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Unset, server.Status);

        var clients = spans.Ended.Where(span => span.Kind == ActivityKind.Client).OrderBy(span => span.GetTagItem("http.request.resend_count")).ToArray();
        Assert.Equal([0, 1], clients.Select(span => span.GetTagItem("http.request.resend_count")));
        Assert.All(clients, span => Assert.Equal(server.SpanId, span.ParentSpanId));
        Assert.All(clients, span => Assert.Equal("a", span.GetTagItem("resilient_proxy.destination")));
        Assert.All(clients, span => Assert.Equal("127.0.0.1", span.GetTagItem("server.address")));
        Assert.All(clients, span => Assert.Equal(new Uri(upstream.Url).Port, span.GetTagItem("server.port")));
        Assert.All(clients, span => Assert.Equal(upstream.Url + "a%2Fb/c", span.GetTagItem("url.full")));
        Assert.Equal(["503", "success"], clients.Select(span => span.GetTagItem("resilient_proxy.outcome")));
        Assert.Equal(["503", null], clients.Select(span => span.GetTagItem("error.type")));
        Assert.Equal([503, 200], clients.Select(span => span.GetTagItem("http.response.status_code")));
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset], clients.Select(span => span.Status));

        // What the upstream is told is the very span of its attempt.
        Assert.Equal(clients.Select(span => $"00-{spans.TraceId}-{span.SpanId.ToHexString()}-01"), seen);
    }

    [Fact]
    public async Task A_failed_request_says_why_in_both_spans()
    {
        using var spans = new Spans();
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": \"off\"", "", RawUpstream.DeadUrl()));

        using var request = new HttpRequestMessage(new HttpMethod("BREW"), "/");
        request.Headers.TryAddWithoutValidation("traceparent", $"00-{spans.TraceId}-b7ad6b7169203331-01");
        using var response = await proxy.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        await Eventually.TrueAsync(() => spans.Ended.Count == 2, "two spans");

        Assert.Equal(["connection_refused", "connection_refused"], spans.Ended.Select(span => span.GetTagItem("error.type")));
        Assert.All(spans.Ended, span => Assert.Equal(ActivityStatusCode.Error, span.Status));
        Assert.All(spans.Ended, span => Assert.Equal("_OTHER", span.GetTagItem("http.request.method")));
        Assert.All(spans.Ended, span => Assert.Equal("BREW", span.GetTagItem("http.request.method_original")));
        Assert.Contains(spans.Ended, span => span.DisplayName == "_OTHER route");
    }

    [Fact]
    public async Task A_request_that_matches_nothing_has_a_span_of_its_own_trace_and_the_answer_names_it()
    {
        using var spans = new Spans(all: true);
        await using var proxy = await RunningProxy.StartAsync(
            """{ "Routes": { "only": { "ClusterId": "c", "Match": { "Path": "/only" } } }, "Clusters": { "c": { "Destinations": { "a": { "Address": "http://127.0.0.1:9/" } } } } }""");

        using var response = await proxy.Client.GetAsync("/none-of-tracing");
        var answer = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        await Eventually.TrueAsync(() => spans.Ended.Any(IsOurs), "the span");

        var server = spans.Ended.Single(IsOurs);
        Assert.Equal(answer.GetProperty("traceId").GetString(), server.TraceId.ToHexString());
        Assert.Equal(default, server.ParentSpanId);
        Assert.Equal("GET", server.DisplayName);
        Assert.Equal(404, server.GetTagItem("http.response.status_code"));
        Assert.Equal(ActivityStatusCode.Unset, server.Status);

        static bool IsOurs(Activity span) => "/none-of-tracing".Equals(span.GetTagItem("url.path"));
    }

    [Fact]
    public async Task The_state_of_a_trace_that_is_not_gone_on_with_is_not_passed_on()
    {
        string? state = null;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            state = context.Request.Headers["tracestate"].ToString();
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("traceparent", "00-nonsense-b7ad6b7169203331-01");
        request.Headers.TryAddWithoutValidation("tracestate", "vendor=1");
        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal("", state);
    }

    [Fact]
    public async Task A_scraper_that_speaks_openmetrics_is_shown_the_trace_of_a_request_and_another_one_is_not()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("traceparent", $"00-{trace}-b7ad6b7169203331-01");
        using var response = await proxy.Client.SendAsync(request);
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_request_duration_seconds_count{route=\"route\"}") == 1, "the request");

        var plain = await proxy.Admin.GetStringAsync("/metrics");
        using var asked = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        asked.Headers.Accept.ParseAdd("application/openmetrics-text;version=1.0.0");
        using var scrape = await proxy.Admin.SendAsync(asked);
        var openMetrics = (await scrape.Content.ReadAsStringAsync()).Split('\n');

        Assert.DoesNotContain("trace_id", plain);
        foreach (var name in (string[])["request_duration_seconds", "time_to_first_byte_seconds", "attempt_duration_seconds"])
        {
            Assert.Matches(
                $$"""^resilient_proxy_{{name}}_bucket\{.*le="[^"]+"\} 1 # \{trace_id="{{trace}}"\} [0-9.E-]+ \d+\.\d{3}$""",
                Assert.Single(openMetrics, line => line.StartsWith($"resilient_proxy_{name}_bucket", StringComparison.Ordinal) && line.Contains('#')));
        }
    }

    /// <summary>The proxy's spans of one trace, as they end; or all, where a test does not choose the trace.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        public Spans(bool all = false)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "ResilientProxy",
                Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span =>
                {
                    if (all || span.TraceId.ToHexString() == TraceId)
                    {
                        Ended.Enqueue(span);
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public string TraceId { get; } = ActivityTraceId.CreateRandom().ToHexString();

        public ConcurrentQueue<Activity> Ended { get; } = new();

        public void Dispose() => _listener.Dispose();
    }
}
