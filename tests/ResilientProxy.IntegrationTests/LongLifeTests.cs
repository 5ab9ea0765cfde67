using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>What a drain does to what would outlast it.</summary>
public class LongLifeTests
{
    private const string Http2 = "\"H2\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }";
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5); // RunningProxy's

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_web_socket_is_closed_with_going_away_on_both_sides(string version)
    {
        var closedWith = new TaskCompletionSource<WebSocketCloseStatus?>();
        await using var upstream = await Upstream.StartAsync(context => EchoAsync(context, closedWith));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), endpoints: version == "2.0" ? Http2 : null);
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        using var client = await ConnectAsync(proxy, version, invoker);
        await client.SendAsync("one"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        var buffer = new byte[64];
        Assert.Equal(3, (await client.ReceiveAsync(buffer, CancellationToken.None)).Count);

        var started = Stopwatch.GetTimestamp();
        var drain = proxy.DrainAsync();
        var message = await client.ReceiveAsync(buffer, CancellationToken.None);
        await client.CloseOutputAsync(client.CloseStatus!.Value, "", CancellationToken.None);

        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.EndpointUnavailable), (message.MessageType, client.CloseStatus));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await closedWith.Task.WaitAsync(DrainTimeout));
        await drain;
        Assert.True(Stopwatch.GetElapsedTime(started) < DrainTimeout);
        var line = Assert.Single(await proxy.AccessLogAsync(1));
        Assert.Equal(("success", "draining"), (line.GetProperty("outcome").GetString(), line.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_hundred_web_socket_closes_are_spread_over_the_drain_and_all_are_over_within_it()
    {
        const int Count = 100;
        await using var upstream = await Upstream.StartAsync(context => EchoAsync(context));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var clients = new List<ClientWebSocket>();
        for (var i = 0; i < Count; i++)
        {
            clients.Add(await ConnectAsync(proxy));
        }

        var started = Stopwatch.GetTimestamp();
        var closes = clients.Select(CloseTimeAsync).ToArray();
        await proxy.DrainAsync();
        var over = Stopwatch.GetElapsedTime(started);
        var times = (await Task.WhenAll(closes)).Order().ToArray();

        Assert.True(over < DrainTimeout, $"over after {over}");
        Assert.True(times[10] > TimeSpan.FromMilliseconds(150), $"the tenth after {times[10]}");
        Assert.True(times[^10] - times[10] > TimeSpan.FromSeconds(2), $"from {times[10]} to {times[^10]}");
        Assert.All(times, time => Assert.True(times.Count(other => other >= time && other < time + TimeSpan.FromMilliseconds(500)) < Count / 2, $"half of them at {time}"));
        clients.ForEach(client => client.Dispose());

        async Task<TimeSpan> CloseTimeAsync(ClientWebSocket client)
        {
            var message = await client.ReceiveAsync(new byte[64], CancellationToken.None);
            var at = Stopwatch.GetElapsedTime(started);
            Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.EndpointUnavailable), (message.MessageType, client.CloseStatus));
            await client.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "", CancellationToken.None);
            return at;
        }
    }

    [Fact]
    public async Task A_client_that_does_not_answer_the_close_is_let_go_and_so_is_its_upstream()
    {
        var upstreamEnded = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await AcceptAsync(connection);
            await connection.SendAsync("\u0081\u0002hi");
            await connection.UntilClosedAsync();
            upstreamEnded.SetResult();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using var client = await UpgradeAsync(proxy);

        var started = Stopwatch.GetTimestamp();
        var drain = proxy.DrainAsync();
        var bytes = await ReadToEndAsync(client);
        await drain;

        Assert.Equal("\u0081\u0002hi\u0088\u0002\u0003\u00E9", bytes[(bytes.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
        await upstreamEnded.Task.WaitAsync(DrainTimeout);
        Assert.True(Stopwatch.GetElapsedTime(started) < DrainTimeout);
    }

    [Fact]
    public async Task A_close_frame_is_never_put_into_a_frame_of_the_upstreams()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await AcceptAsync(connection);
            await connection.SendAsync("\u0081\u0010half of"); // 7 of 16 bytes
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using var client = await UpgradeAsync(proxy);

        var drain = proxy.DrainAsync();
        var bytes = await ReadToEndAsync(client);
        await drain;

        Assert.EndsWith("\r\n\r\n\u0081\u0010half of", bytes, StringComparison.Ordinal);
        var line = Assert.Single(await proxy.AccessLogAsync(1));
        Assert.Equal(("rejected", "draining"), (line.GetProperty("outcome").GetString(), line.GetProperty("reason").GetString()));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_stream_of_events_is_broken_off_and_nobody_is_blamed(string version)
    {
        var left = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: one\n\n");
            await context.Response.Body.FlushAsync();
            context.RequestAborted.Register(left.SetResult);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), endpoints: version == "2.0" ? Http2 : null);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("data: one", await reader.ReadLineAsync());

        var started = Stopwatch.GetTimestamp();
        var drain = proxy.DrainAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => reader.ReadToEndAsync());
        await left.Task.WaitAsync(DrainTimeout);
        await drain;
        Assert.True(Stopwatch.GetElapsedTime(started) < DrainTimeout);
        var line = Assert.Single(await proxy.AccessLogAsync(1));
        Assert.Equal(("rejected", "draining"), (line.GetProperty("outcome").GetString(), line.GetProperty("reason").GetString()));
        Assert.Equal("success", Assert.Single(line.GetProperty("attempts").EnumerateArray()).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task An_upgrade_is_refused_from_the_moment_the_drain_begins()
    {
        await using var upstream = await Upstream.StartAsync(context => EchoAsync(context));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        proxy.App.Drain.Begin();

        using var client = await UpgradeAsync(proxy);
        var answer = await ReadToEndAsync(client); // to the end: the connection is closed

        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nProxy-Status: resilient-proxy; error=http_request_denied; details=\"draining: ", answer, StringComparison.Ordinal);
        Assert.Empty(upstream.Requests);
    }

    [Fact]
    public async Task Plain_requests_are_served_while_the_listener_is_open_and_asked_to_come_elsewhere_next()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("served"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        proxy.App.Drain.Begin();

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal("served", await response.Content.ReadAsStringAsync());
        Assert.True(response.Headers.ConnectionClose);
    }

    private static async Task<ClientWebSocket> ConnectAsync(RunningProxy proxy, string version = "1.1", HttpMessageInvoker? invoker = null)
    {
        var client = new ClientWebSocket();
        client.Options.HttpVersion = Version.Parse(version);
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await client.ConnectAsync(new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal)), invoker, CancellationToken.None);
        return client;
    }

    // A client that speaks no WebSocket after the upgrade: what comes is read as it is.
    private static async Task<Socket> UpgradeAsync(RunningProxy proxy)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(new Uri(proxy.Url).Authority));
        await socket.SendAsync(Encoding.Latin1.GetBytes(
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        while (socket.Available == 0)
        {
            await Task.Delay(1);
        }

        return socket;
    }

    private static async Task<string> ReadToEndAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, bound.Token)) > 0)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            // Reset instead of closed: an end as well.
        }

        return text.ToString();
    }

    private static async Task AcceptAsync(RawConnection connection)
    {
        await connection.ReadHeadAsync();
        await connection.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    }

    private static async Task EchoAsync(HttpContext context, TaskCompletionSource<WebSocketCloseStatus?>? closed = null)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64];
        while (true)
        {
            var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (message.MessageType == WebSocketMessageType.Close)
            {
                closed?.TrySetResult(socket.CloseStatus);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, message.Count), WebSocketMessageType.Text, true, context.RequestAborted);
        }
    }
}
