using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class RateLimitTests
{
    private const string TwoAnHour = "\"RateLimiter\": { \"PermitLimit\": 2, \"Window\": \"1h\"";
    private const string BelieveLoopback = "\"ForwardedHeaders\": { \"KnownProxies\": [ \"127.0.0.1\" ] }";

    [Fact]
    public async Task A_request_over_the_limit_is_429_with_the_time_to_come_again_and_reaches_no_upstream()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(TwoAnHour + "}", "", upstream.Url));
        Assert.Contains("resilient_proxy_rate_limiter_rejected_total{route=\"route\"} 0", await proxy.Admin.GetStringAsync("/metrics"), StringComparison.Ordinal);

        using var first = await proxy.Client.GetAsync("/");
        using var second = await proxy.Client.GetAsync("/");
        using var third = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal("\"route\";q=2;w=3600", first.Headers.GetValues("RateLimit-Policy").Single());
        Assert.StartsWith("\"route\";r=1;t=", first.Headers.GetValues("RateLimit").Single(), StringComparison.Ordinal);
        Assert.StartsWith("\"route\";r=0;t=", second.Headers.GetValues("RateLimit").Single(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        var retryAfter = third.Headers.RetryAfter!.Delta!.Value.TotalSeconds;
        Assert.InRange(retryAfter, 1700, 1800);
        Assert.Equal($"\"route\";r=0;t={retryAfter}", third.Headers.GetValues("RateLimit").Single());
        Assert.StartsWith("resilient-proxy; error=http_request_denied;", third.Headers.GetValues("Proxy-Status").Single(), StringComparison.Ordinal);
        Assert.Equal("http_request_denied", (await third.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString());
        Assert.Equal(2, upstream.Requests.Count);
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_rate_limiter_rejected_total{route=\"route\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_requests_total{route=\"route\",cluster=\"cluster\",code=\"4xx\",outcome=\"rejected\"}"));
        Assert.Equal("rate_limited", (await proxy.AccessLogAsync(3))[2].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_grpc_client_is_told_resource_exhausted()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"RateLimiter\": { \"PermitLimit\": 1, \"Window\": \"1h\" }", "", upstream.Url));
        await proxy.Client.GetAsync("/");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/s/m") { Content = new ByteArrayContent([]) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("8", response.Headers.GetValues("grpc-status").Single());
        Assert.True(response.Headers.Contains("Retry-After"));
    }

    [Fact]
    public async Task Each_value_of_a_header_has_its_own_limit_and_an_upstreams_own_policy_stays()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.Headers["RateLimit-Policy"] = "\"theirs\";q=5;w=1";
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(TwoAnHour + ", \"PartitionBy\": \"header:X-Api-Key\" }", "", upstream.Url));

        Assert.Equal("200 200 429", await AskAsync(proxy, "X-Api-Key", "a", 3));
        Assert.Equal("200 200 429", await AskAsync(proxy, "X-Api-Key", "b", 3));
        Assert.Equal("200 200 429", await AskAsync(proxy, "X-Other", "c", 3));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Api-Key", "d" } } };
        using var response = await proxy.Client.SendAsync(request);
        Assert.Equal("\"theirs\";q=5;w=1,\"route\";q=2;w=3600", string.Join(',', response.Headers.GetValues("RateLimit-Policy")));
    }

    [Fact]
    public async Task An_address_that_anybody_claims_makes_no_new_partition_and_one_that_a_known_proxy_says_does()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.CompletedTask);
        var section = RunningProxy.OneRoute(TwoAnHour + ", \"PartitionBy\": \"client-ip\" }", "", upstream.Url);
        await using var proxy = await RunningProxy.StartAsync(section);
        Assert.Equal("200", await AskAsync(proxy, "X-Forwarded-For", "192.0.2.1", 1));
        Assert.Equal("200", await AskAsync(proxy, "X-Forwarded-For", "192.0.2.2", 1));
        Assert.Equal("429", await AskAsync(proxy, "X-Forwarded-For", "192.0.2.3", 1));

        // The route did not change: whom the proxy believes takes effect all the same, and 127.0.0.1 has used up what it had.
        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(section, BelieveLoopback)));

        Assert.Equal("200 200 429", await AskAsync(proxy, "X-Forwarded-For", "6.6.6.6, 192.0.2.1", 3));
        Assert.Equal("200", await AskAsync(proxy, "X-Forwarded-For", "192.0.2.2", 1));
        Assert.Equal("429", await AskAsync(proxy, "X-Other", "", 1));
        var clients = (await proxy.AccessLogAsync(8)).Select(line => line.GetProperty("client").GetString());
        Assert.Equal(["127.0.0.1", "127.0.0.1", "127.0.0.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "127.0.0.1"], clients);
    }

    [Fact]
    public async Task What_was_used_stays_used_over_a_reload_unless_the_limit_changed()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(TwoAnHour + "}", "", upstream.Url));
        Assert.Equal("200 200 429", await AskAsync(proxy, "X", "", 3));

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("\"Timeouts\": { \"Idle\": \"9s\" }, " + TwoAnHour + "}", "", upstream.Url))));
        Assert.Equal("429", await AskAsync(proxy, "X", "", 1));

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute(TwoAnHour + ", \"Burst\": 1 }", "", upstream.Url))));
        Assert.Equal("200 429", await AskAsync(proxy, "X", "", 2));

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("\"RateLimiter\": \"off\"", "", upstream.Url))));
        Assert.Equal("200 200", await AskAsync(proxy, "X", "", 2));
    }

    [Fact]
    public async Task A_permit_comes_back_when_the_clock_says_so()
    {
        var time = new ManualTime();
        await using var upstream = await Upstream.StartAsync(context => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Timeouts\": { \"Total\": \"off\", \"Attempt\": \"off\", \"Idle\": \"24h\" }, \"RateLimiter\": { \"Algorithm\": \"SlidingWindow\", \"PermitLimit\": 1, \"Window\": \"8s\" }", "", upstream.Url), time: time);
        Assert.Equal("200", await AskAsync(proxy, "X", "", 1));
        using var refused = await proxy.Client.GetAsync("/");

        time.Advance(refused.Headers.RetryAfter!.Delta!.Value - TimeSpan.FromSeconds(1));
        Assert.Equal("429", await AskAsync(proxy, "X", "", 1));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("200", await AskAsync(proxy, "X", "", 1));
    }

    private static async Task<string> AskAsync(RunningProxy proxy, string header, string value, int times)
    {
        var statuses = new int[times];
        for (var i = 0; i < times; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.TryAddWithoutValidation(header, value);
            using var response = await proxy.Client.SendAsync(request);
            statuses[i] = (int)response.StatusCode;
        }

        return string.Join(' ', statuses);
    }
}
