using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class WebSocketTests
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_web_socket_carries_messages_both_ways_and_closes_cleanly(string version)
    {
        await using var upstream = await Upstream.StartAsync(EchoAsync);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Timeouts\": { \"Total\": \"500ms\", \"Attempt\": \"500ms\" }", "", upstream.Url),
            endpoints: version == "2.0" ? "\"H2\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }" : null);
        using var client = new ClientWebSocket();
        client.Options.HttpVersion = Version.Parse(version);
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());

        await client.ConnectAsync(new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal) + "/ws"), invoker, CancellationToken.None);
        for (var i = 0; i < 4; i++)
        {
            await client.SendAsync(Encoding.UTF8.GetBytes($"message {i}"), WebSocketMessageType.Text, true, CancellationToken.None);
            var buffer = new byte[64];
            var message = await client.ReceiveAsync(buffer, CancellationToken.None);
            Assert.Equal($"message {i}", Encoding.UTF8.GetString(buffer, 0, message.Count));
            await Task.Delay(200); // longer than Total in the end: an upgraded connection has only Idle
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None);
        Assert.Equal(WebSocketState.Closed, client.State);
        Assert.Equal("success", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task A_silent_web_socket_ends_by_the_idle_timer()
    {
        await using var upstream = await Upstream.StartAsync(EchoAsync);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Timeouts\": { \"Idle\": \"300ms\" }", "", upstream.Url));
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal)), CancellationToken.None);

        await Assert.ThrowsAnyAsync<WebSocketException>(() => client.ReceiveAsync(new byte[10], CancellationToken.None));

        await Eventually.TrueAsync(
            async () => await proxy.MetricAsync("resilient_proxy_timeouts_total{route=\"route\",kind=\"idle\"}") == 1, "the idle timeout's count");
    }

    [Fact]
    public async Task What_comes_right_behind_the_upgrade_is_the_clients_and_each_end_sees_the_other_one_leave()
    {
        var left = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
            Assert.Equal("\x81\x02me", await connection.ReadBodyAsync(4));
            await connection.SendAsync("\x81\x03bye");
            await connection.UntilClosedAsync();
            left.SetResult();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPEndPoint.Parse(new Uri(proxy.Url).Authority));
            var stream = client.GetStream();
            await stream.WriteAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"u8.ToArray());
            var head = await UntilAsync(stream, "\x81\x02hi");
            Assert.StartsWith("HTTP/1.1 101", head, StringComparison.Ordinal);
            await stream.WriteAsync(Encoding.Latin1.GetBytes("\x81\x02me"));
            Assert.Equal("\x81\x03bye", await UntilAsync(stream, "\x81\x03bye"));
        }

        await left.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static async Task<string> UntilAsync(NetworkStream stream, string end)
    {
        var text = "";
        var buffer = new byte[1024];
        while (!text.EndsWith(end, StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.NotEqual(0, count);
            text += Encoding.Latin1.GetString(buffer, 0, count);
        }

        return text;
    }

    [Fact]
    public async Task An_upgrade_to_a_dead_upstream_is_answered_as_any_request()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("error=connection_refused", response.Headers.GetValues("Proxy-Status").Single());
    }

    [Fact]
    public async Task An_upgrade_that_hangs_ends_by_the_attempt_timer()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"300ms\" }", "", upstream.Url));
        using var client = new ClientWebSocket();

        var error = await Assert.ThrowsAsync<WebSocketException>(() =>
            client.ConnectAsync(new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal)), CancellationToken.None));

        Assert.Contains("504", error.Message);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64];
        while (true)
        {
            var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (message.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, message.Count), WebSocketMessageType.Text, true, context.RequestAborted);
        }
    }
}
