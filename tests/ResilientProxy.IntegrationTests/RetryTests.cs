using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class RetryTests
{
    [Fact]
    public async Task An_answer_that_is_retried_goes_to_another_destination_and_the_caller_sees_only_the_good_one()
    {
        await using var bad = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers["X-Bad"] = "1";
            return context.Response.WriteAsync("bad");
        });
        await using var good = await Upstream.StartAsync(context => context.Response.WriteAsync("good"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "\"LoadBalancingPolicy\": \"FirstAlphabetical\"", bad.Url, good.Url));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal("good", await response.Content.ReadAsStringAsync());
        Assert.False(response.Headers.Contains("X-Bad"));
        var attempts = Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("attempts");
        Assert.Equal("503", attempts[0].GetProperty("outcome").GetString());
        Assert.Equal("success", attempts[1].GetProperty("outcome").GetString());
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_retries_total{route=\"route\",reason=\"503\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_rescued_requests_total{route=\"route\",by=\"retry\"}"));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("PATCH")]
    public async Task A_refused_connection_is_retried_for_every_method_with_the_whole_body(string method)
    {
        await using var good = await Upstream.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync((await reader.ReadToEndAsync()).Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"LoadBalancingPolicy\": \"FirstAlphabetical\"", RawUpstream.DeadUrl(), good.Url));
        using var request = new HttpRequestMessage(new HttpMethod(method), "/");
        if (method != "GET")
        {
            request.Content = new ByteArrayContent(new byte[8192]);
        }

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(method == "GET" ? "0" : "8192", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_post_that_may_have_arrived_is_never_sent_twice_and_the_log_says_why()
    {
        var delivered = 0;
        await using var upstream = new RawUpstream(async connection =>
        {
            if ((await connection.ReadHeadAsync()).Length > 0)
            {
                Interlocked.Increment(ref delivered);
                connection.Reset();
            }
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var response = await proxy.Client.PostAsync("/", new StringContent("order"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, delivered);
        Assert.Equal("method", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("stopped").GetString());
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_retries_stopped_total{route=\"route\",reason=\"method\"}"));
    }

    [Fact]
    public async Task Attempts_end_at_their_number_and_the_last_answer_goes_through_unchanged()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return context.Response.WriteAsync("the upstream's own words");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"1ms\" }", "", upstream.Url));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("the upstream's own words", await response.Content.ReadAsStringAsync());
        Assert.Equal(3, upstream.Requests.Count);
        Assert.Equal("attempts", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("stopped").GetString());
    }

    [Fact]
    public async Task An_attempt_that_hangs_is_retried_elsewhere_in_time()
    {
        await using var hangs = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var good = await Upstream.StartAsync(context => context.Response.WriteAsync("good"));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"200ms\" }", "\"LoadBalancingPolicy\": \"FirstAlphabetical\"", hangs.Url, good.Url));

        Assert.Equal("good", await proxy.Client.GetStringAsync("/"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_retries_total{route=\"route\",reason=\"http_response_timeout\"}"));
    }

    [Fact]
    public async Task No_attempt_is_begun_that_cannot_end_in_time()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "20";
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Timeouts\": { \"Total\": \"5s\" }", "", upstream.Url));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Single(upstream.Requests);
        Assert.Equal("deadline", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("stopped").GetString());
    }

    [Fact]
    public async Task A_budget_that_is_used_up_stops_retries_and_an_outage_does_not_become_a_storm()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"0s\", \"Budget\": { \"Ratio\": 0.2, \"MinRetriesPerSecond\": 0 } }", "\"Resilience\": { \"CircuitBreaker\": \"off\" }", upstream.Url));

        for (var i = 0; i < 100; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        Assert.InRange(upstream.Requests.Count, 110, 121);
        Assert.InRange(await proxy.MetricAsync("resilient_proxy_retries_stopped_total{route=\"route\",reason=\"budget\"}"), 70, 100);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_streams_through_and_its_request_is_not_retried()
    {
        var received = 0L;
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            var buffer = new byte[65536];
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
            {
                received += read;
            }

            context.Response.StatusCode = 503;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"MaxReplayBytes\": \"4KiB\" }", "", upstream.Url));

        using var response = await proxy.Client.PutAsync("/", new ByteArrayContent(new byte[1_000_000]));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(1_000_000, received);
        Assert.Equal("body_too_large", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("stopped").GetString());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(9999)]
    public async Task The_bytes_of_a_body_arrive_whole_whatever_the_moment_of_failure(int failAfter)
    {
        var body = new string([.. Enumerable.Range(0, 10_000).Select(i => (char)('a' + (i % 26)))]);
        string? whole = null;
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            if (connection.Number == 1)
            {
                await connection.ReadBodyAsync(failAfter);
                connection.Reset();
                return;
            }

            whole = await connection.ReadBodyAsync(body.Length);
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"1ms\" }", "", upstream.Url));

        using var response = await proxy.Client.PutAsync("/", new ByteArrayContent(Encoding.ASCII.GetBytes(body)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, whole);
        Assert.Equal(0, proxy.App.ReplayMemoryUsed);
    }

    [Fact]
    public async Task A_reused_connection_that_died_is_replaced_at_once_without_touching_the_budget()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            if (connection.Number == 1)
            {
                await connection.ReadHeadAsync(); // the second request of the first connection is never answered
                return;
            }

            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": { \"MaxRetryAttempts\": 0, \"Budget\": { \"Ratio\": 0, \"MinRetriesPerSecond\": 0 } }", "", upstream.Url));

        Assert.Equal("ok", await proxy.Client.GetStringAsync("/first"));
        Assert.Equal("ok", await proxy.Client.GetStringAsync("/second"));

        Assert.Equal(2, upstream.Accepted);
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_retries_total{route=\"route\",reason=\"connection_terminated\"}"));
    }

    [Fact]
    public async Task A_truncated_small_body_of_a_get_is_retried_because_no_byte_was_sent()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(connection.Number == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab" : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        Assert.Equal("whole", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_client_that_leaves_during_the_backoff_ends_the_request_without_another_attempt()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": { \"Delay\": \"20s\", \"MaxDelay\": \"20s\", \"UseJitter\": false }", "", upstream.Url));
        using var leave = new CancellationTokenSource();

        var sending = proxy.Client.GetAsync("/", leave.Token);
        await Eventually.TrueAsync(
            async () => await proxy.MetricAsync("resilient_proxy_retries_total{route=\"route\",reason=\"503\"}") == 1, "the backoff");
        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(499, Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("status").GetInt32());
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public async Task A_client_that_leaves_during_an_attempt_is_gone_from_the_upstream_within_a_tenth_of_a_second()
    {
        var arrived = new SemaphoreSlim(0);
        var gone = new SemaphoreSlim(0);
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            arrived.Release();
            await using var leaving = context.RequestAborted.Register(() => gone.Release());
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var waits = new List<TimeSpan>();

        for (var i = 0; i < 9; i++)
        {
            using var leave = new CancellationTokenSource();
            var sending = proxy.Client.GetAsync("/", leave.Token);
            Assert.True(await arrived.WaitAsync(TimeSpan.FromSeconds(10)));
            var left = Stopwatch.GetTimestamp();
            await leave.CancelAsync();
            Assert.True(await gone.WaitAsync(TimeSpan.FromSeconds(10)));
            waits.Add(Stopwatch.GetElapsedTime(left));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        // The median: a busy machine may hold up any one of them.
        Assert.InRange(waits.Order().ElementAt(4), TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        Assert.All(await proxy.AccessLogAsync(9), line => Assert.Equal(499, line.GetProperty("status").GetInt32()));
        Assert.Equal(9, upstream.Requests.Count);
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_requests_total{route=\"route\",cluster=\"cluster\",code=\"5xx\",outcome=\"upstream_error\"}"));
    }

    [Fact]
    public async Task A_grpc_answer_of_headers_only_is_retried_by_its_status()
    {
        var calls = 0;
        await using var upstream = await Upstream.StartAsync(
            context =>
            {
                context.Response.ContentType = "application/grpc";
                context.Response.Headers["grpc-status"] = Interlocked.Increment(ref calls) == 1 ? "14" : "0";
                return Task.CompletedTask;
            },
            Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute(
                "\"Retry\": { \"On\": [ \"grpc:unavailable\" ], \"Methods\": [ \"POST\" ], \"Delay\": \"1ms\" }",
                "\"HttpRequest\": { \"Version\": \"2\", \"VersionPolicy\": \"RequestVersionExact\" }",
                upstream.Url),
            endpoints: "\"Grpc\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/s/m") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent([1, 2, 3]);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal("0", response.Headers.GetValues("grpc-status").Single());
        Assert.Equal(2, calls);
    }
}
