using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class CircuitTests
{
    private const string NoRetry = "\"Retry\": \"off\"";

    [Fact]
    public async Task Five_failures_in_a_row_open_a_circuit_and_its_destination_gets_no_more_traffic()
    {
        await using var bad = await Upstream.StartAsync(Answering(503));
        await using var good = await Upstream.StartAsync(Answering(200));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", First(""), bad.Url, good.Url));

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/")).StatusCode);
        }

        Assert.Equal(5, bad.Requests.Count);
        Assert.Equal(2, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_circuit_breaker_transitions_total{cluster=\"cluster\",destination=\"a\",to=\"open\"}"));
        Assert.Contains(proxy.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("Circuit of cluster/a is Open: 5 consecutive failures", StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_all_are_open_the_caller_is_refused_at_once_and_told_when_the_next_probe_is_due()
    {
        await using var bad = await Upstream.StartAsync(Answering(503));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(NoRetry, First("\"BreakDuration\": \"20s\""), bad.Url));
        for (var i = 0; i < 5; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 15, 22);
        Assert.Contains("error=destination_unavailable", response.Headers.GetValues("Proxy-Status").Single());
        Assert.Equal(5, bad.Requests.Count);
        var line = (await proxy.AccessLogAsync(6))[5];
        Assert.Equal("rejected", line.GetProperty("outcome").GetString());
        Assert.Equal("circuit_open", line.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_cluster_whose_circuits_are_all_open_works_again_soon_after_its_destinations_do()
    {
        var status = 503;
        RequestDelegate answer = context =>
        {
            context.Response.StatusCode = Volatile.Read(ref status);
            return Task.CompletedTask;
        };
        await using var one = await Upstream.StartAsync(answer);
        await using var other = await Upstream.StartAsync(answer);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", First("\"BreakDuration\": \"15s\""), one.Url, other.Url));
        for (var i = 0; i < 10; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        using var refused = await proxy.Client.GetAsync("/");
        Assert.Contains("error=destination_unavailable", refused.Headers.GetValues("Proxy-Status").Single());
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2); // when the next probe is due, not when the break is over
        var before = one.Requests.Count + other.Requests.Count;
        Volatile.Write(ref status, 200);

        await Eventually.TrueAsync(async () => (await proxy.Client.GetAsync("/")).StatusCode == HttpStatusCode.OK, "a good answer long before the break is over");
        await Eventually.TrueAsync(
            async () =>
            {
                await proxy.Client.GetAsync("/");
                return await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}") == 0
                    && await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"b\"}") == 0;
            },
            "both circuits closed");
        Assert.Equal(10, before);
    }

    [Fact]
    public async Task After_the_break_one_probe_decides_and_a_good_one_closes_the_circuit()
    {
        var status = 503;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = Volatile.Read(ref status);
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(NoRetry, First("\"BreakDuration\": \"300ms\""), upstream.Url));
        for (var i = 0; i < 5; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        Volatile.Write(ref status, 200);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/")).StatusCode);
        await Eventually.TrueAsync(async () => (await proxy.Client.GetAsync("/")).StatusCode == HttpStatusCode.OK, "a probe that closes the circuit");

        Assert.Equal(6, upstream.Requests.Count);
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));
    }

    [Fact]
    public async Task Of_many_requests_at_the_end_of_a_break_one_is_the_probe_and_the_others_go_to_siblings()
    {
        var probes = 0;
        var release = new TaskCompletionSource();
        var failing = true;
        await using var sick = await Upstream.StartAsync(async context =>
        {
            if (Volatile.Read(ref failing))
            {
                context.Response.StatusCode = 503;
                return;
            }

            Interlocked.Increment(ref probes);
            await release.Task;
        });
        await using var good = await Upstream.StartAsync(Answering(200));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", First("\"BreakDuration\": \"200ms\""), sick.Url, good.Url));
        while (await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}") < 2)
        {
            await proxy.Client.GetAsync("/");
        }

        Volatile.Write(ref failing, false);
        var probing = new List<Task<HttpResponseMessage>>();
        await Eventually.TrueAsync(
            () =>
            {
                probing.Add(proxy.Client.GetAsync("/"));
                return Volatile.Read(ref probes) > 0;
            },
            "the probe");
        var others = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => proxy.Client.GetAsync("/")));

        Assert.All(others, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(1, probes);
        release.SetResult();
        Assert.All(await Task.WhenAll(probing), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
    }

    [Theory]
    [InlineData(429, null)]
    [InlineData(503, "1")]
    [InlineData(404, null)]
    public async Task Back_pressure_and_client_errors_never_open_a_circuit(int status, string? retryAfter)
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = retryAfter;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(NoRetry, First(""), upstream.Url));

        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(status, (int)(await proxy.Client.GetAsync("/")).StatusCode);
        }

        Assert.Equal(30, upstream.Requests.Count);
    }

    [Fact]
    public async Task A_destination_that_asks_for_less_is_passed_over_while_another_one_is_there()
    {
        await using var busy = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "30";
            return Task.CompletedTask;
        });
        await using var good = await Upstream.StartAsync(Answering(200));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", First(""), busy.Url, good.Url));

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/")).StatusCode);
        }

        Assert.Single(busy.Requests);
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));
    }

    [Fact]
    public async Task Clients_that_leave_say_nothing_about_the_destination()
    {
        var arrived = 0;
        await using var slow = await Upstream.StartAsync(context =>
        {
            Interlocked.Increment(ref arrived);
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", First(""), slow.Url));

        for (var i = 1; i <= 10; i++)
        {
            using var leave = new CancellationTokenSource();
            var sending = proxy.Client.GetAsync("/", leave.Token);
            await Eventually.TrueAsync(() => Volatile.Read(ref arrived) == i, "the request at the upstream");
            await leave.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        await proxy.AccessLogAsync(10);
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));
    }

    [Fact]
    public async Task An_open_circuit_outlives_a_reload_that_does_not_change_it()
    {
        await using var bad = await Upstream.StartAsync(Answering(503));
        await using var good = await Upstream.StartAsync(Answering(200));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", First("\"BreakDuration\": \"30s\""), bad.Url));
        for (var i = 0; i < 3; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("", First("\"BreakDuration\": \"30s\""), bad.Url, good.Url))));
        var before = bad.Requests.Count;
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/")).StatusCode);
        }

        Assert.Equal(before, bad.Requests.Count);
    }

    [Fact]
    public async Task A_route_of_the_policy_none_passes_by_the_circuits()
    {
        await using var bad = await Upstream.StartAsync(Answering(503));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Policy\": \"none\"", First(""), bad.Url));

        for (var i = 0; i < 20; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        Assert.Equal(20, bad.Requests.Count);
    }

    [Fact]
    public async Task The_circuit_of_a_route_is_no_other_routes()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = context.Request.Path == "/bad" ? 503 : 200;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "bad": { "ClusterId": "c", "Match": { "Path": "/bad" }, "Resilience": { "Retry": "off" } },
                "good": { "ClusterId": "c", "Match": { "Path": "/good" } }
              },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } }, "Resilience": { "CircuitBreaker": { "Scope": "Route", "BreakDuration": "30s" } } } }
            }
            """);
        for (var i = 0; i < 10; i++)
        {
            await proxy.Client.GetAsync("/bad");
        }

        Assert.Equal(5, upstream.Requests.Count);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/good")).StatusCode);
    }

    private static RequestDelegate Answering(int status) => context =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    private static string First(string breaker) =>
        $"\"LoadBalancingPolicy\": \"FirstAlphabetical\", \"Resilience\": {{ \"CircuitBreaker\": {{ {breaker} }} }}";
}
