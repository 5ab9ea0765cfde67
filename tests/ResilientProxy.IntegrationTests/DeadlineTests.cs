using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class DeadlineTests
{
    private const string Header = "\"Deadline\": { \"Header\": \"X-Request-Timeout-Ms\" }";

    [Fact]
    public async Task A_callers_deadline_ends_the_wait_and_the_upstream_is_told_what_is_left()
    {
        var told = new TaskCompletionSource<string>();
        await using var hangs = await Upstream.StartAsync(context =>
        {
            told.TrySetResult(context.Request.Headers["X-Request-Timeout-Ms"].ToString());
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Header, "", hangs.Url));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Request-Timeout-Ms", "400" } } };

        var started = Stopwatch.GetTimestamp();
        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromMilliseconds(350), TimeSpan.FromSeconds(5));
        Assert.InRange(int.Parse(await told.Task, CultureInfo.InvariantCulture), 1, 400);
    }

    [Fact]
    public async Task A_callers_longer_patience_does_not_stretch_the_routes_total()
    {
        await using var hangs = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Header + ", \"Timeouts\": { \"Total\": \"200ms\" }", "", hangs.Url));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Request-Timeout-Ms", "60000" } } };

        using var response = await proxy.Client.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    [Fact]
    public async Task A_grpc_timeout_is_kept_and_forwarded_as_what_is_left()
    {
        var told = new TaskCompletionSource<string>();
        await using var hangs = await Upstream.StartAsync(context =>
        {
            told.TrySetResult(context.Request.Headers["grpc-timeout"].ToString());
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", hangs.Url));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/s/m") { Headers = { { "grpc-timeout", "300m" } } };
        request.Content = new ByteArrayContent([]);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        using var response = await proxy.Client.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal("4", response.Headers.GetValues("grpc-status").Single());
        var left = await told.Task;
        Assert.EndsWith("m", left);
        Assert.InRange(int.Parse(left[..^1], CultureInfo.InvariantCulture), 1, 300);
    }

    [Fact]
    public async Task No_retry_is_begun_that_a_caller_would_not_wait_for()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute(Header + ", \"Retry\": { \"Delay\": \"10s\", \"MaxDelay\": \"10s\", \"UseJitter\": false }", "", upstream.Url));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Request-Timeout-Ms", "2000" } } };

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Single(upstream.Requests);
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_retries_stopped_total{route=\"route\",reason=\"deadline\"}"));
    }

    [Fact]
    public async Task Two_proxies_in_a_row_do_not_multiply_their_attempts()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers["X-Seen"] = context.Request.Headers["X-Attempt-Count"];
            return Task.CompletedTask;
        });
        await using var inner = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"1ms\" }", "", upstream.Url));
        await using var outer = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"1ms\" }", "", inner.Url));

        using var response = await outer.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(3, upstream.Requests.Count);
        Assert.Equal("3", response.Headers.GetValues("X-Seen").Single());
        Assert.Equal("attempts", Assert.Single(await outer.AccessLogAsync(1)).GetProperty("stopped").GetString());
    }

    [Fact]
    public async Task A_request_that_resets_two_destinations_is_not_tried_on_a_third()
    {
        var delivered = 0;
        await using var one = new RawUpstream(Reset);
        await using var two = new RawUpstream(Reset);
        await using var three = new RawUpstream(Reset);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": { \"MaxRetryAttempts\": 5, \"Delay\": \"1ms\" }", "", one.Url, two.Url, three.Url));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(2, delivered);

        async Task Reset(RawConnection connection)
        {
            if ((await connection.ReadHeadAsync()).Length > 0)
            {
                Interlocked.Increment(ref delivered);
                connection.Reset();
            }
        }
    }

    [Fact]
    public async Task The_attempt_trail_is_shown_to_the_caller_where_a_header_is_named_for_it()
    {
        await using var good = await Upstream.StartAsync(context => context.Response.WriteAsync("good"));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"LoadBalancingPolicy\": \"FirstAlphabetical\"", RawUpstream.DeadUrl(), good.Url),
            "\"Resilience\": { \"AttemptTrailHeader\": \"X-Attempts\" }");

        using var response = await proxy.Client.GetAsync("/");

        Assert.Matches(@"^a;connection_refused;\d+ms, b;200;\d+ms$", response.Headers.GetValues("X-Attempts").Single());
    }
}
