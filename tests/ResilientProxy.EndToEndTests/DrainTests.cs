using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

public sealed class DrainTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-e2e-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Sigterm_with_fifty_slow_requests_lets_all_of_them_finish_and_refuses_new_connections()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("done");
        });
        await using var process = await ProxyProcess.ServeAsync(Write(upstream.Url), "--Admin:DrainDelay=500ms", "--Admin:DrainTimeout=20s");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        using var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) };
        var slow = Enumerable.Range(0, 50).Select(_ => client.GetStringAsync("/")).ToArray();
        await Eventually.TrueAsync(() => upstream.Requests.Count == 50, "fifty requests at the upstream");

        await process.SignalAsync("TERM");
        await Eventually.TrueAsync(async () => (await admin.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "readiness that fails");
        await Eventually.TrueAsync(RefusedAsync, "a refused connection");
        release.SetResult();

        Assert.All(await Task.WhenAll(slow), body => Assert.Equal("done", body));
        Assert.Equal(0, await process.ExitAsync());

        async Task<bool> RefusedAsync()
        {
            using var fresh = new HttpClient { Timeout = TimeSpan.FromMilliseconds(500) };
            try
            {
                await fresh.GetAsync(process.Url, HttpCompletionOption.ResponseHeadersRead);
                return false;
            }
            catch (HttpRequestException error)
            {
                return error.HttpRequestError == HttpRequestError.ConnectionError;
            }
            catch (TaskCanceledException)
            {
                return false; // accepted, and waiting for the upstream
            }
        }
    }

    [Fact]
    public async Task A_request_longer_than_the_drain_timeout_is_reset_and_the_exit_is_clean()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var process = await ProxyProcess.ServeAsync(
            Write(upstream.Url), "--Admin:DrainDelay=0s", "--Admin:DrainTimeout=1s",
            "--ReverseProxy:Routes:route:Resilience:Timeouts:Total=off", "--ReverseProxy:Routes:route:Resilience:Timeouts:Attempt=off");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        var endless = client.GetAsync("/");
        await Eventually.TrueAsync(() => !upstream.Requests.IsEmpty, "the request at the upstream");

        var started = Stopwatch.GetTimestamp();
        await process.SignalAsync("TERM");

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => endless);
        Assert.Equal(0, await process.ExitAsync());
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0.9, 3);
    }

    [Fact]
    public async Task Sigterm_tells_web_sockets_breaks_streams_of_events_off_and_ends_within_the_drain_timeout()
    {
        const int Each = 20;
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            if (context.WebSockets.IsWebSocketRequest)
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var message = await socket.ReceiveAsync(new byte[64], context.RequestAborted);
                await socket.CloseOutputAsync(message.CloseStatus ?? WebSocketCloseStatus.InternalServerError, "", context.RequestAborted);
                return;
            }

            context.Response.ContentType = "text/event-stream";
            while (true)
            {
                await context.Response.WriteAsync("data: tick\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(100, context.RequestAborted);
            }
        });
        await using var process = await ProxyProcess.ServeAsync(Write(upstream.Url), "--Admin:DrainDelay=0s", "--Admin:DrainTimeout=4s");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        var sockets = new List<ClientWebSocket>();
        var streams = new List<Task<string>>();
        for (var i = 0; i < Each; i++)
        {
            var socket = new ClientWebSocket();
            await socket.ConnectAsync(new Uri(process.Url.Replace("http", "ws", StringComparison.Ordinal)), CancellationToken.None);
            sockets.Add(socket);
            var response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
            streams.Add(response.Content.ReadAsStringAsync());
        }

        var started = Stopwatch.GetTimestamp();
        var closes = sockets.Select(CloseAsync).ToArray();
        await process.SignalAsync("TERM");
        var exit = await process.ExitAsync();
        var over = Stopwatch.GetElapsedTime(started);

        Assert.Equal(0, exit);
        Assert.True(over < TimeSpan.FromSeconds(6), $"over after {over}"); // the drain's four, and the end of a process on a busy machine
        var times = (await Task.WhenAll(closes)).Order().ToArray();
        Assert.True(times[^1] - times[0] > TimeSpan.FromSeconds(1), $"closed from {times[0]} to {times[^1]}");
        foreach (var stream in streams)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => stream);
        }

        sockets.ForEach(socket => socket.Dispose());

        async Task<TimeSpan> CloseAsync(ClientWebSocket socket)
        {
            var message = await socket.ReceiveAsync(new byte[64], CancellationToken.None);
            var at = Stopwatch.GetElapsedTime(started);
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, message.CloseStatus);
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "", CancellationToken.None);
            return at;
        }
    }

    [Theory]
    [InlineData("TERM", "TERM")]
    [InlineData("TERM", "INT")]
    [InlineData("INT", "INT")]
    public async Task A_second_signal_ends_at_once_with_130(string first, string second)
    {
        await using var process = await ProxyProcess.ServeAsync(Write(RawUpstream.DeadUrl()), "--Admin:DrainDelay=5m");

        await process.SignalAsync(first);
        await Eventually.TrueAsync(() => process.Errors.Contains("draining", StringComparison.Ordinal), "the beginning of the drain");
        await process.SignalAsync(second);

        Assert.Equal(130, await process.ExitAsync(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task Sighup_reloads()
    {
        var file = Write(RawUpstream.DeadUrl());
        await using var process = await ProxyProcess.ServeAsync(file);
        using var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) };

        await process.SignalAsync("HUP");

        await Eventually.TrueAsync(
            async () => (await admin.GetStringAsync("/metrics")).Contains("resilient_proxy_config_reloads_total{result=\"success\"} 1\n", StringComparison.Ordinal),
            "the reload's count");
    }

    [Fact]
    public async Task An_operators_drain_ends_the_process_as_a_sigterm_does()
    {
        await using var process = await ProxyProcess.ServeAsync(Write(RawUpstream.DeadUrl()), "--Admin:DrainDelay=0s");
        using var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) };

        using var response = await admin.PostAsync("/drain", null);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(0, await process.ExitAsync());
    }

    [Fact]
    public async Task The_demo_serves_what_it_prints_and_ends_cleanly()
    {
        await using var process = ProxyProcess.Start("demo");
        await Eventually.TrueAsync(() => process.Output.Contains("/healthy ", StringComparison.Ordinal), "the lines to try", TimeSpan.FromSeconds(30));
        var url = process.Output.Split('\n').Select(line => line.Trim()).First(line => line.StartsWith("curl http", StringComparison.Ordinal)).Split(' ')[1];
        using var client = new HttpClient();

        Assert.Equal("hello from the healthy upstream\n", await client.GetStringAsync(url));
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await client.GetAsync(url.Replace("/healthy", "/slow", StringComparison.Ordinal))).StatusCode);
        Assert.Equal(HttpStatusCode.BadGateway, (await client.GetAsync(url.Replace("/healthy", "/dead", StringComparison.Ordinal))).StatusCode);
        await process.SignalAsync("INT");

        Assert.Equal(0, await process.ExitAsync());
    }

    private string Write(string upstream)
    {
        var path = Path.Combine(_folder.FullName, "proxy.json");
        File.WriteAllText(path, RunningProxy.ConfigText(RunningProxy.OneRoute("", "", upstream)));
        return path;
    }
}
