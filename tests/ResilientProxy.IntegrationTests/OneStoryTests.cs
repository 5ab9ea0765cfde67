using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>Under an outage the state (which the dashboard draws), metrics, access log, application log and traces tell the same story.</summary>
[Collection("process-wide listeners")]
public class OneStoryTests
{
    private const int Requests = 40;

    [Fact]
    public async Task State_metrics_logs_and_traces_agree_about_an_outage()
    {
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "ResilientProxy",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId.ToHexString() == trace)
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var sick = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        await using var well = await Upstream.StartAsync(context => context.Response.WriteAsync("well"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", "\"LoadBalancingPolicy\": \"FirstAlphabetical\", \"Resilience\": { \"CircuitBreaker\": { \"BreakDuration\": \"60s\" } }", sick.Url, well.Url));

        for (var i = 0; i < Requests; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.TryAddWithoutValidation("traceparent", $"00-{trace}-b7ad6b7169203331-01");
            using var response = await proxy.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        // What happened: five attempts failed, five retries rescued their requests, the circuit opened, and nothing went there any more.
        Assert.Equal(5, sick.Requests.Count);
        var log = await proxy.AccessLogAsync(Requests);
        var attempts = log.SelectMany(line => line.GetProperty("attempts").EnumerateArray()).ToArray();
        Assert.Equal(5, attempts.Count(attempt => attempt.GetProperty("outcome").GetString() == "503"));
        Assert.Equal(Requests, attempts.Count(attempt => attempt.GetProperty("outcome").GetString() == "success"));

        Assert.Equal(5, await proxy.MetricAsync("resilient_proxy_attempts_total{cluster=\"cluster\",destination=\"a\",outcome=\"503\"}"));
        Assert.Equal(Requests, await proxy.MetricAsync("resilient_proxy_attempts_total{cluster=\"cluster\",destination=\"b\",outcome=\"success\"}"));
        Assert.Equal(5, await proxy.MetricAsync("resilient_proxy_retries_total{route=\"route\",reason=\"503\"}"));
        Assert.Equal(5, await proxy.MetricAsync("resilient_proxy_rescued_requests_total{route=\"route\",by=\"retry\"}"));
        Assert.Equal(2, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));

        using var state = JsonDocument.Parse(await proxy.Admin.GetStringAsync("/state"));
        var destination = state.RootElement.GetProperty("clusters").GetProperty("cluster").GetProperty("destinations").GetProperty("a");
        Assert.Equal("open", destination.GetProperty("breaker").GetProperty("state").GetString());
        Assert.Equal("5 consecutive failures", destination.GetProperty("breaker").GetProperty("reason").GetString());
        Assert.Equal(5, destination.GetProperty("attempts").GetProperty("503").GetInt64());
        var route = state.RootElement.GetProperty("routes").GetProperty("route");
        Assert.Equal(Requests, route.GetProperty("requests").GetProperty("success").GetInt64());
        Assert.Equal(5, route.GetProperty("rescued").GetProperty("retry").GetInt64());
        var failures = state.RootElement.GetProperty("recentFailures").EnumerateArray().ToArray();
        Assert.Equal(5, failures.Length);
        Assert.All(failures, failure => Assert.Equal(
            ["a:503", "b:success"],
            failure.GetProperty("attempts").EnumerateArray().Select(attempt => $"{attempt.GetProperty("destination").GetString()}:{attempt.GetProperty("outcome").GetString()}")));

        Assert.Single(proxy.Log.Lines, line => line.Contains("Circuit of cluster/a is Open: 5 consecutive failures", StringComparison.Ordinal));

        await Eventually.TrueAsync(() => spans.Count == (2 * Requests) + 5, "every span");
        var failed = spans.Where(span => span.Kind == ActivityKind.Client && span.Status == ActivityStatusCode.Error).ToArray();
        Assert.Equal(5, failed.Length);
        Assert.All(failed, span => Assert.Equal("a", span.GetTagItem("resilient_proxy.destination")));
        Assert.All(failed, span => Assert.Equal("503", span.GetTagItem("error.type")));
        Assert.Equal(5, spans.Count(span => span.Kind == ActivityKind.Client && Equals(span.GetTagItem("http.request.resend_count"), 1)));
    }
}
