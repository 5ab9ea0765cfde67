using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class HealthTests
{
    private const string Fast = "\"HealthCheck\": { \"Active\": { \"Enabled\": true, \"Interval\": \"50ms\", \"Timeout\": \"40s\", \"Path\": \"/health\" } }";
    private const string NoSlowStart = ", \"Resilience\": { \"HealthCheck\": { \"SlowStart\": \"off\" } }";

    [Fact]
    public async Task A_destination_that_fails_its_checks_gets_no_traffic_until_they_succeed_again()
    {
        var sick = false;
        await using var steady = await Upstream.StartAsync(context => context.Response.WriteAsync("steady"));
        await using var shaky = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = context.Request.Path == "/health" && Volatile.Read(ref sick) ? 500 : 200;
            return context.Response.WriteAsync("shaky");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", $"\"LoadBalancingPolicy\": \"RoundRobin\", {Fast}{NoSlowStart}", steady.Url, shaky.Url));
        await StateAsync(proxy, "b", "healthy");
        Assert.Contains("shaky", await AnswersAsync(proxy));

        Volatile.Write(ref sick, true);
        await StateAsync(proxy, "b", "unhealthy");
        Assert.Equal(["steady"], await AnswersAsync(proxy));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_destination_healthy{cluster=\"cluster\",destination=\"b\"}"));
        Assert.Contains(proxy.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("destination b is unhealthy: status: it answered 500", StringComparison.Ordinal));

        Volatile.Write(ref sick, false);
        await StateAsync(proxy, "b", "healthy");
        Assert.Contains("shaky", await AnswersAsync(proxy));
        Assert.True(await proxy.MetricAsync("resilient_proxy_health_checks_total{cluster=\"cluster\",destination=\"b\",outcome=\"status\"}") >= 3);
        Assert.Equal(60, await proxy.MetricAsync("resilient_proxy_requests_total{route=\"route\",cluster=\"cluster\",code=\"2xx\",outcome=\"success\"}"));
    }

    [Fact]
    public async Task The_admin_endpoint_tells_the_state_of_every_destination()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("well"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", Fast, upstream.Url, RawUpstream.DeadUrl()));
        await StateAsync(proxy, "b", "unhealthy");
        await StateAsync(proxy, "a", "healthy");

        var health = JsonDocument.Parse(await proxy.Admin.GetStringAsync("/health")).RootElement;

        Assert.True(health.GetProperty("healthy").GetBoolean());
        Assert.Equal("degraded", health.GetProperty("status").GetString());
        var destinations = health.GetProperty("clusters").GetProperty("cluster").GetProperty("destinations");
        Assert.True(destinations.GetProperty("a").GetProperty("lastCheck").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        Assert.Equal(JsonValueKind.Null, destinations.GetProperty("a").GetProperty("reason").ValueKind);
        Assert.StartsWith("connect", destinations.GetProperty("b").GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_goes_to_the_health_address_with_the_hosts_name_and_says_what_it_is()
    {
        var seen = new TaskCompletionSource<string>();
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("well"));
        await using var probed = await Upstream.StartAsync(context =>
        {
            seen.TrySetResult($"{context.Request.Path} {context.Request.Host} {context.Request.Headers.UserAgent}");
            return context.Response.WriteAsync("well");
        });
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": { "route": { "ClusterId": "cluster", "Match": { "Path": "/{**rest}" } } },
              "Clusters": { "cluster": { {{Fast}}, "Destinations": {
                "a": { "Address": "{{upstream.Url}}", "Health": "{{probed.Url}}base", "Host": "orders.example" } } } }
            }
            """);

        Assert.Equal("/base/health orders.example resilient-proxy-health", await seen.Task.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.DoesNotContain("GET /health", upstream.Requests);
    }

    [Theory]
    [InlineData(1, "healthy", null)]
    [InlineData(2, "unhealthy", "not_serving")]
    public async Task A_grpc_service_is_asked_by_its_own_protocol(byte serving, string state, string? reason)
    {
        await using var upstream = await Upstream.StartAsync(
            async context =>
            {
                context.Response.ContentType = "application/grpc";
                await context.Request.Body.CopyToAsync(Stream.Null);
                await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 8, serving });
                context.Response.AppendTrailer("grpc-status", "0");
            },
            HttpProtocols.Http2);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", "\"HealthCheck\": { \"Active\": { \"Enabled\": true, \"Interval\": \"50ms\", \"Timeout\": \"40s\" } }, \"Resilience\": { \"HealthCheck\": { \"Type\": \"Grpc\" } }", upstream.Url));

        await StateAsync(proxy, "a", state);

        Assert.Equal("POST /grpc.health.v1.Health/Check", upstream.Requests.First());
        var destination = JsonDocument.Parse(await proxy.Admin.GetStringAsync("/health")).RootElement.GetProperty("clusters").GetProperty("cluster").GetProperty("destinations").GetProperty("a");
        Assert.Equal(reason, destination.GetProperty("reason").GetString()?.Split(':')[0]);
    }

    [Fact]
    public async Task An_open_port_is_enough_for_a_tcp_check()
    {
        await using var mute = new RawUpstream(connection => connection.UntilClosedAsync());
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", "\"HealthCheck\": { \"Active\": { \"Enabled\": true, \"Interval\": \"50ms\", \"Timeout\": \"40s\" } }, \"Resilience\": { \"HealthCheck\": { \"Type\": \"Tcp\" } }", mute.Url, RawUpstream.DeadUrl()));

        await StateAsync(proxy, "a", "healthy");
        await StateAsync(proxy, "b", "unhealthy");
    }

    [Fact]
    public async Task A_body_without_the_wanted_words_is_no_success()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("{ \"status\": \"DOWN\" }"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", Fast + ", \"Resilience\": { \"HealthCheck\": { \"BodyContains\": \"UP\", \"PanicThreshold\": 0 } }", upstream.Url));

        await StateAsync(proxy, "a", "unhealthy");

        using var response = await proxy.Client.GetAsync("/");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode); // without a panic threshold nothing goes there
    }

    [Fact]
    public async Task A_reload_keeps_what_the_checks_found_out()
    {
        var asked = 0;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            Interlocked.Increment(ref asked);
            return context.Response.WriteAsync("well");
        });
        var cluster = "\"HealthCheck\": { \"Active\": { \"Enabled\": true, \"Interval\": \"1h\", \"Timeout\": \"30s\" } }";
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", cluster, upstream.Url));
        await StateAsync(proxy, "a", "healthy");

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("", cluster + ", \"LoadBalancingPolicy\": \"Random\"", upstream.Url))));

        await StateAsync(proxy, "a", "healthy");
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task Weights_are_read_from_the_destinations_and_shown_and_changed_by_a_reload()
    {
        await using var a = await Upstream.StartAsync(context => context.Response.WriteAsync("a"));
        await using var b = await Upstream.StartAsync(context => context.Response.WriteAsync("b"));
        await using var proxy = await RunningProxy.StartAsync(Config(1, 0));
        Assert.Equal(["a"], await AnswersAsync(proxy));
        Assert.Contains("\"Weight\": 0", await proxy.Admin.GetStringAsync("/config"), StringComparison.Ordinal);

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(Config(0, 5))));

        Assert.Equal(["b"], await AnswersAsync(proxy));

        string Config(int weightOfA, int weightOfB) => $$"""
            {
              "Routes": { "route": { "ClusterId": "cluster", "Match": { "Path": "/{**rest}" } } },
              "Clusters": { "cluster": { "Destinations": {
                "a": { "Address": "{{a.Url}}", "Weight": {{weightOfA}} },
                "b": { "Address": "{{b.Url}}", "Weight": {{weightOfB}} } } } }
            }
            """;
    }

    private static async Task<IEnumerable<string>> AnswersAsync(RunningProxy proxy)
    {
        var answers = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            answers.Add(await proxy.Client.GetStringAsync("/"));
        }

        return answers;
    }

    private static Task StateAsync(RunningProxy proxy, string destination, string state) => Eventually.TrueAsync(
        async () => JsonDocument.Parse(await proxy.Admin.GetStringAsync("/health")).RootElement
            .GetProperty("clusters").GetProperty("cluster").GetProperty("destinations").GetProperty(destination).GetProperty("state").GetString() == state,
        $"{destination} {state}",
        TimeSpan.FromSeconds(30));
}
