using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class StateTests
{
    private const string NoRetry = "\"Retry\": \"off\"";
    private const string Sensitive = "\"Resilience\": { \"CircuitBreaker\": { \"ConsecutiveFailures\": 2, \"BreakDuration\": \"30s\" } }";

    [Fact]
    public async Task A_served_request_shows_at_its_route_and_at_its_destination()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        await proxy.Client.GetStringAsync("/");

        var state = await StateWhenAsync(proxy, state => RouteOf(state).GetProperty("requests").GetProperty("success").GetInt64() == 1);

        var route = RouteOf(state);
        Assert.Equal("cluster", route.GetProperty("cluster").GetString());
        Assert.Equal(0, route.GetProperty("inFlight").GetInt64());
        Assert.Equal(1, route.GetProperty("lastMinute").GetProperty("count").GetInt64());
        Assert.Equal(1, route.GetProperty("lastMinute").GetProperty("successRate").GetDouble());
        Assert.True(route.GetProperty("last10s").GetProperty("p50Ms").GetDouble() > 0);
        Assert.True(route.GetProperty("last10s").GetProperty("p99Ms").GetDouble() >= route.GetProperty("last10s").GetProperty("p50Ms").GetDouble());
        var destination = DestinationOf(state, "a");
        Assert.Equal("healthy", destination.GetProperty("health").GetProperty("state").GetString());
        Assert.Equal("closed", destination.GetProperty("breaker").GetProperty("state").GetString());
        Assert.Equal(1, destination.GetProperty("attempts").GetProperty("success").GetInt64());
        Assert.True(state.GetProperty("ready").GetBoolean());
        Assert.False(state.GetProperty("draining").GetBoolean());
        Assert.NotEmpty(state.GetProperty("version").GetString()!);
        Assert.Empty(state.GetProperty("recentFailures").EnumerateArray());
    }

    [Fact]
    public async Task A_request_that_is_served_shows_as_in_flight()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(_ => release.Task);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var request = proxy.Client.GetAsync("/");
        await Eventually.TrueAsync(() => !upstream.Requests.IsEmpty, "the request at the upstream");

        var state = await StateAsync(proxy);

        Assert.Equal(1, RouteOf(state).GetProperty("inFlight").GetInt64());
        Assert.Equal(1, DestinationOf(state, "a").GetProperty("inFlight").GetInt64());
        release.SetResult();
        await request;
    }

    [Fact]
    public async Task An_open_breaker_says_since_when_why_and_when_it_probes()
    {
        await using var upstream = await Upstream.StartAsync(Fails);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(NoRetry, Sensitive, upstream.Url, RawUpstream.DeadUrl()));
        var state = await StateWhenAsync(proxy, async state =>
        {
            (await proxy.Client.GetAsync("/")).Dispose();
            return BreakerOf(state, "a").GetProperty("state").GetString() == "open";
        });

        var breaker = BreakerOf(state, "a");
        Assert.Equal("2 consecutive failures", breaker.GetProperty("reason").GetString());
        Assert.InRange(breaker.GetProperty("nextProbeIn").GetDouble(), 1, 34);
        Assert.Equal("destination", breaker.GetProperty("scope").GetString());
        Assert.False(breaker.GetProperty("byOperator").GetBoolean());
        Assert.True(DateTimeOffset.UtcNow - breaker.GetProperty("since").GetDateTimeOffset() < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_failed_request_is_kept_with_its_attempts_and_why_there_was_no_other()
    {
        await using var upstream = await Upstream.StartAsync(Fails);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": { \"MaxRetryAttempts\": 1, \"Delay\": \"1ms\" }", "", upstream.Url));
        using var response = await proxy.Client.GetAsync("/orders?secret=1");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);

        var state = await StateWhenAsync(proxy, state => state.GetProperty("recentFailures").GetArrayLength() == 1);

        var failure = state.GetProperty("recentFailures")[0];
        Assert.Equal("route", failure.GetProperty("route").GetString());
        Assert.Equal("GET", failure.GetProperty("method").GetString());
        Assert.Equal("/orders?…", failure.GetProperty("path").GetString());
        Assert.Equal(503, failure.GetProperty("status").GetInt32());
        Assert.Equal("upstream_error", failure.GetProperty("outcome").GetString());
        Assert.Equal("attempts", failure.GetProperty("stopped").GetString());
        Assert.Equal(["503", "503"], failure.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("outcome").GetString()));
        Assert.Equal(1, RouteOf(state).GetProperty("retries").GetProperty("503").GetInt64());
        Assert.Equal(1, RouteOf(state).GetProperty("retriesStopped").GetProperty("attempts").GetInt64());
    }

    [Fact]
    public async Task A_rescued_request_is_kept_and_a_plain_success_is_not()
    {
        var failures = 1;
        await using var upstream = await Upstream.StartAsync(context => Interlocked.Decrement(ref failures) >= 0 ? Fails(context) : context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"1ms\" }", "", upstream.Url));
        await proxy.Client.GetStringAsync("/rescued");
        await proxy.Client.GetStringAsync("/plain");

        var state = await StateWhenAsync(proxy, state =>
            RouteOf(state).GetProperty("requests").GetProperty("success").GetInt64() == 2 && state.GetProperty("recentFailures").GetArrayLength() > 0);

        var kept = Assert.Single(state.GetProperty("recentFailures").EnumerateArray());
        Assert.Equal("/rescued", kept.GetProperty("path").GetString());
        Assert.Equal("success", kept.GetProperty("outcome").GetString());
        Assert.Equal(["503", "success"], kept.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("outcome").GetString()));
        Assert.Equal(1, RouteOf(state).GetProperty("rescued").GetProperty("retry").GetInt64());
    }

    [Fact]
    public async Task Only_the_last_fifty_failures_are_kept_the_newest_first()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(NoRetry, "\"Resilience\": { \"CircuitBreaker\": \"off\" }", RawUpstream.DeadUrl()));
        for (var i = 0; i < 60; i++)
        {
            (await proxy.Client.GetAsync($"/{i}")).Dispose();
        }

        string?[] paths = [];
        await StateWhenAsync(proxy, state =>
        {
            paths = [.. state.GetProperty("recentFailures").EnumerateArray().Select(failure => failure.GetProperty("path").GetString())];
            return paths.Contains("/59") && !paths.Contains("/9");
        });

        Assert.Equal(Enumerable.Range(10, 50).Reverse().Select(i => $"/{i}"), paths);
    }

    [Fact]
    public async Task The_last_minute_forgets_what_is_older_and_the_totals_do_not()
    {
        var time = new ManualTime();
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), time: time);
        await proxy.Client.GetStringAsync("/");
        await StateWhenAsync(proxy, state => LastMinute(state).GetProperty("count").GetInt64() == 1);

        for (var passed = 0; passed < 75; passed += 5)
        {
            time.Advance(TimeSpan.FromSeconds(5));
        }

        var later = await StateAsync(proxy);
        Assert.Equal(0, LastMinute(later).GetProperty("count").GetInt64());
        Assert.Equal(JsonValueKind.Null, LastMinute(later).GetProperty("successRate").ValueKind);
        Assert.Equal(60, LastMinute(later).GetProperty("seconds").GetDouble());
        Assert.Equal(1, RouteOf(later).GetProperty("requests").GetProperty("success").GetInt64());
        Assert.Equal(75, later.GetProperty("uptimeSeconds").GetDouble());

        static JsonElement LastMinute(JsonElement state) => RouteOf(state).GetProperty("lastMinute");
    }

    [Fact]
    public async Task A_refused_reload_shows_with_what_was_found()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        Assert.False(await proxy.ReloadAsync("{ \"Kestrel\": 5 }"));

        var config = (await StateAsync(proxy)).GetProperty("config");

        Assert.False(config.GetProperty("successful").GetBoolean());
        var finding = config.GetProperty("findings").EnumerateArray().First(finding => finding.GetProperty("path").GetString() == "$.Kestrel");
        Assert.Equal("error", finding.GetProperty("severity").GetString());
        Assert.Contains("must be an object", finding.GetProperty("message").GetString());
        Assert.Equal(1, finding.GetProperty("line").GetInt32());
    }

    [Fact]
    public async Task A_route_with_breakers_of_its_own_shows_them_and_the_destination_shows_the_worst()
    {
        const string Clusters = "\"cluster\": { \"Destinations\": { \"a\": { \"Address\": \"URL\" } }, \"Resilience\": { \"CircuitBreaker\": { \"Scope\": \"RouteDestination\", \"ConsecutiveFailures\": 1 } } }";
        await using var upstream = await Upstream.StartAsync(context => context.Request.Path.StartsWithSegments("/bad") ? Fails(context) : context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "good": { "ClusterId": "cluster", "Match": { "Path": "/good" } },
                "bad": { "ClusterId": "cluster", "Match": { "Path": "/bad" }, "Resilience": { {{NoRetry}} } }
              },
              "Clusters": { {{Clusters.Replace("URL", upstream.Url, StringComparison.Ordinal)}} }
            }
            """);
        (await proxy.Client.GetAsync("/good")).Dispose();
        (await proxy.Client.GetAsync("/bad")).Dispose();

        var state = await StateWhenAsync(proxy, state => BreakerOf(state, "a").GetProperty("state").GetString() == "open");

        Assert.Equal("closed", RouteBreaker(state, "good").GetProperty("state").GetString());
        Assert.Equal("open", RouteBreaker(state, "bad").GetProperty("state").GetString());

        static JsonElement RouteBreaker(JsonElement state, string route) => state.GetProperty("routes").GetProperty(route).GetProperty("breakers").GetProperty("a");
    }

    internal static Task Fails(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }

    internal static async Task<JsonElement> StateAsync(RunningProxy proxy) => JsonDocument.Parse(await proxy.Admin.GetStringAsync("/state")).RootElement;

    internal static Task<JsonElement> StateWhenAsync(RunningProxy proxy, Func<JsonElement, bool> condition) => StateWhenAsync(proxy, state => Task.FromResult(condition(state)));

    internal static async Task<JsonElement> StateWhenAsync(RunningProxy proxy, Func<JsonElement, Task<bool>> condition)
    {
        JsonElement state = default;
        await Eventually.TrueAsync(async () => await condition(state = await StateAsync(proxy)), "the state that is waited for");
        return state;
    }

    internal static JsonElement BreakerOf(JsonElement state, string destination) => DestinationOf(state, destination).GetProperty("breaker");

    private static JsonElement RouteOf(JsonElement state) => state.GetProperty("routes").GetProperty("route");

    private static JsonElement DestinationOf(JsonElement state, string destination) =>
        state.GetProperty("clusters").GetProperty("cluster").GetProperty("destinations").GetProperty(destination);
}
