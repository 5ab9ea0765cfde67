using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class HedgingTests
{
    private const string First = "\"LoadBalancingPolicy\": \"FirstAlphabetical\"";

    // The extra load is no concern of most tests.
    private const string Soon = "\"Hedging\": { \"Delay\": \"20ms\", \"MaxExtraLoad\": 1 }, \"Timeouts\": { \"Attempt\": \"20s\" }";

    [Fact]
    public async Task A_second_attempt_beside_a_silent_one_wins_and_the_loser_is_cancelled_and_blamed_for_nothing()
    {
        var cancelled = new TaskCompletionSource();
        await using var silent = await Upstream.StartAsync(async context =>
        {
            await using var _ = context.RequestAborted.Register(() => cancelled.TrySetResult());
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var good = await Upstream.StartAsync(context => context.Response.WriteAsync("good"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Soon, First, silent.Url, good.Url));

        Assert.Equal("good", await proxy.Client.GetStringAsync("/"));

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(5));
        var attempts = Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("attempts");
        Assert.Equal(["hedge_lost", "success"], attempts.EnumerateArray().Select(attempt => attempt.GetProperty("outcome").GetString()!).Order());
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_hedges_total{route=\"route\",outcome=\"won\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_rescued_requests_total{route=\"route\",by=\"hedge\"}"));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_attempts_in_flight{cluster=\"cluster\",destination=\"a\"}"));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_retries_total{route=\"route\",reason=\"http_response_timeout\"}"));
    }

    [Fact]
    public async Task The_slow_one_wins_where_it_answers_first_after_all_and_nothing_of_the_hedge_reaches_the_caller()
    {
        var hedged = new TaskCompletionSource();
        await using var slow = await Upstream.StartAsync(async context =>
        {
            await hedged.Task;
            await context.Response.WriteAsync("slow");
        });
        await using var second = await Upstream.StartAsync(async context =>
        {
            hedged.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Soon, First, slow.Url, second.Url));

        Assert.Equal("slow", await proxy.Client.GetStringAsync("/"));
        await proxy.AccessLogAsync(1);
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_hedges_total{route=\"route\",outcome=\"lost\"}"));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_rescued_requests_total{route=\"route\",by=\"hedge\"}"));
    }

    [Fact]
    public async Task A_bad_answer_does_not_win_while_the_other_attempt_may_still_be_good()
    {
        var hedged = new TaskCompletionSource();
        var refused = new TaskCompletionSource();
        await using var slow = await Upstream.StartAsync(async context =>
        {
            await refused.Task;
            await context.Response.WriteAsync("slow");
        });
        await using var bad = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            context.Response.OnCompleted(() =>
            {
                refused.TrySetResult();
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Soon, First, slow.Url, bad.Url));

        Assert.Equal("slow", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_method_outside_the_list_is_never_hedged()
    {
        await using var slow = await Upstream.StartAsync(async context =>
        {
            await Task.Delay(200, context.RequestAborted);
            await context.Response.WriteAsync("slow");
        });
        await using var second = await Upstream.StartAsync(context => context.Response.WriteAsync("second"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Soon, First, slow.Url, second.Url));

        using var response = await proxy.Client.PostAsync("/", new StringContent("order"));

        Assert.Equal("slow", await response.Content.ReadAsStringAsync());
        Assert.Empty(second.Requests);
    }

    [Fact]
    public async Task A_body_that_was_read_whole_is_sent_whole_by_both_attempts()
    {
        var body = new string('b', 3000);
        await using var silent = await Upstream.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await reader.ReadToEndAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var good = await Upstream.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync(await reader.ReadToEndAsync());
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute(Soon.Replace("20ms", "100ms", StringComparison.Ordinal), First, silent.Url, good.Url));

        using var response = await proxy.Client.PutAsync("/", new StringContent(body, Encoding.ASCII));

        Assert.Equal(body, await response.Content.ReadAsStringAsync());
        await proxy.AccessLogAsync(1);
        Assert.Equal(0, proxy.App.ReplayMemoryUsed);
    }

    [Fact]
    public async Task Hedges_stay_within_their_share_of_the_requests()
    {
        await using var slow = await Upstream.StartAsync(async context =>
        {
            await Task.Delay(40, context.RequestAborted);
            await context.Response.WriteAsync("slow");
        });
        await using var second = await Upstream.StartAsync(context => context.Response.WriteAsync("second"));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Hedging\": { \"Delay\": \"5ms\", \"MaxExtraLoad\": 0.1 }", First, slow.Url, second.Url));

        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/")).StatusCode);
        }

        Assert.InRange(second.Requests.Count, 1, 4);
    }

    [Fact]
    public async Task A_client_that_leaves_cancels_every_attempt()
    {
        using var both = new CountdownEvent(2);
        using var arrived = new CountdownEvent(2);
        async Task Silent(HttpContext context)
        {
            await using var _ = context.RequestAborted.Register(() => both.Signal());
            arrived.Signal();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }

        await using var one = await Upstream.StartAsync(Silent);
        await using var two = await Upstream.StartAsync(Silent);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Soon, First, one.Url, two.Url));
        using var leave = new CancellationTokenSource();

        var sending = proxy.Client.GetAsync("/", leave.Token);
        await Eventually.TrueAsync(() => arrived.IsSet, "both attempts");
        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await Eventually.TrueAsync(() => both.IsSet, "both cancelled");
        Assert.Equal("client_closed", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("outcome").GetString());
    }
}
