using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class BulkheadTests
{
    [Fact]
    public async Task A_full_route_refuses_at_once_and_another_route_is_not_touched()
    {
        var release = new TaskCompletionSource();
        var arrived = 0;
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            if (context.Request.Path == "/slow")
            {
                Interlocked.Increment(ref arrived);
                await release.Task;
            }
        });
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "slow": { "ClusterId": "c", "Match": { "Path": "/slow" }, "Resilience": { "Bulkhead": { "MaxConcurrent": 2, "MaxQueue": 0 } } },
                "fast": { "ClusterId": "c", "Match": { "Path": "/fast" } }
              },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } } } }
            }
            """);
        var held = new[] { proxy.Client.GetAsync("/slow"), proxy.Client.GetAsync("/slow") };
        await Eventually.TrueAsync(() => Volatile.Read(ref arrived) == 2, "two requests at the upstream");

        using var refused = await proxy.Client.GetAsync("/slow");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        Assert.Contains("error=connection_limit_reached", refused.Headers.GetValues("Proxy-Status").Single());
        Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/fast")).StatusCode);
        Assert.Equal(2, await proxy.MetricAsync("resilient_proxy_bulkhead_in_flight{scope=\"route:slow\"}"));
        Assert.Equal(2, await proxy.MetricAsync("resilient_proxy_bulkhead_limit{scope=\"route:slow\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_bulkhead_rejected_total{scope=\"route:slow\",reason=\"full\"}"));
        release.SetResult();
        Assert.All(await Task.WhenAll(held), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_bulkhead_in_flight{scope=\"route:slow\"}") == 0, "free places");
    }

    [Fact]
    public async Task A_place_is_held_until_the_last_byte_of_the_answer()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            await context.Response.WriteAsync("begun ");
            await context.Response.Body.FlushAsync();
            await release.Task;
            await context.Response.WriteAsync("done");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Bulkhead\": { \"MaxConcurrent\": 1, \"MaxQueue\": 0 }", "", upstream.Url));
        using var streaming = await proxy.Client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/")).StatusCode);

        release.SetResult();
        Assert.Equal("begun done", await streaming.Content.ReadAsStringAsync());
        await Eventually.TrueAsync(async () => (await proxy.Client.GetAsync("/")).StatusCode == HttpStatusCode.OK, "a free place");
    }

    [Fact]
    public async Task A_web_socket_holds_its_place_until_it_is_closed()
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[16], context.RequestAborted);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Bulkhead\": { \"MaxConcurrent\": 1, \"MaxQueue\": 0 }", "", upstream.Url));
        var url = new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal));
        using var first = new ClientWebSocket();
        await first.ConnectAsync(url, CancellationToken.None);

        using var second = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => second.ConnectAsync(url, CancellationToken.None));

        await first.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_bulkhead_in_flight{scope=\"route:route\"}") == 0, "a free place");
        using var third = new ClientWebSocket();
        await third.ConnectAsync(url, CancellationToken.None);
    }

    [Fact]
    public async Task A_wait_in_the_queue_ends_at_its_timeout_and_is_counted()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"Resilience\": { \"Bulkhead\": { \"MaxConcurrent\": 1, \"MaxQueue\": 1, \"QueueTimeout\": \"200ms\" } }", upstream.Url));
        using var leave = new CancellationTokenSource();
        var held = proxy.Client.GetAsync("/", leave.Token);
        await Eventually.TrueAsync(() => !upstream.Requests.IsEmpty, "the request at the upstream");

        using var refused = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_timeouts_total{route=\"route\",kind=\"queue\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_bulkhead_rejected_total{scope=\"cluster:cluster\",reason=\"queue_timeout\"}"));
        Assert.Equal("queue_timeout", (await proxy.AccessLogAsync(1))[0].GetProperty("reason").GetString());
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => held);
    }

    [Fact]
    public async Task A_queue_is_never_waited_in_longer_than_the_deadline_allows()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "\"Retry\": \"off\", \"Deadline\": { \"Header\": \"X-Left\" }", "\"Resilience\": { \"Bulkhead\": { \"MaxConcurrent\": 1, \"MaxQueue\": 5, \"QueueTimeout\": \"30s\" } }", upstream.Url));
        using var leave = new CancellationTokenSource();
        var held = proxy.Client.GetAsync("/", leave.Token);
        await Eventually.TrueAsync(() => !upstream.Requests.IsEmpty, "the request at the upstream");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Left", "200" } } };

        using var response = await proxy.Client.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Single(upstream.Requests);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => held);
    }

    [Fact]
    public async Task A_full_destination_is_passed_over_while_another_one_has_room()
    {
        var release = new TaskCompletionSource();
        await using var slow = await Upstream.StartAsync(_ => release.Task);
        await using var other = await Upstream.StartAsync(context => context.Response.WriteAsync("other"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", "\"LoadBalancingPolicy\": \"FirstAlphabetical\", \"Resilience\": { \"Bulkhead\": { \"MaxConcurrentPerDestination\": 2 } }", slow.Url, other.Url));
        var held = new[] { proxy.Client.GetAsync("/"), proxy.Client.GetAsync("/") };
        await Eventually.TrueAsync(() => slow.Requests.Count == 2, "two requests at the first destination");

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("other", await proxy.Client.GetStringAsync("/"));
        }

        Assert.Equal(2, slow.Requests.Count);
        release.SetResult();
        await Task.WhenAll(held);
    }

    [Fact]
    public async Task When_every_destination_is_full_the_caller_is_refused_with_the_reason()
    {
        var release = new TaskCompletionSource();
        await using var slow = await Upstream.StartAsync(_ => release.Task);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", "\"Resilience\": { \"Bulkhead\": { \"MaxConcurrentPerDestination\": 1 } }", slow.Url));
        var held = proxy.Client.GetAsync("/");
        await Eventually.TrueAsync(() => slow.Requests.Count == 1, "the request at the destination");

        using var refused = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Contains("error=connection_limit_reached", refused.Headers.GetValues("Proxy-Status").Single());
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_bulkhead_rejected_total{scope=\"destination:cluster/a\",reason=\"full\"}"));
        release.SetResult();
        await held;
    }

    [Fact]
    public async Task A_reload_that_changes_the_limit_keeps_count_of_what_is_in_flight()
    {
        var release = new TaskCompletionSource();
        await using var slow = await Upstream.StartAsync(_ => release.Task);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Bulkhead\": { \"MaxConcurrent\": 5, \"MaxQueue\": 0 }", "", slow.Url));
        var held = new[] { proxy.Client.GetAsync("/"), proxy.Client.GetAsync("/") };
        await Eventually.TrueAsync(() => slow.Requests.Count == 2, "two requests at the upstream");

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("\"Bulkhead\": { \"MaxConcurrent\": 2, \"MaxQueue\": 0 }", "", slow.Url))));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/")).StatusCode);
        release.SetResult();
        await Task.WhenAll(held);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/")).StatusCode);
    }
}
