using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class ServerLimitTests
{
    [Fact]
    public async Task A_connection_beyond_the_limit_is_closed_and_one_that_ends_makes_room()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url), endpoints: "\"Http\": { \"Url\": \"http://127.0.0.1:0\" } }, \"Limits\": { \"MaxConcurrentConnections\": 1");
        using var first = await ConnectAsync();
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(first), StringComparison.Ordinal);

        using (var second = await ConnectAsync())
        {
            Assert.Equal("", await AskAsync(second));
        }

        first.Dispose();
        await Eventually.TrueAsync(
            async () =>
            {
                using var third = await ConnectAsync();
                return (await AskAsync(third)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
            },
            "room for another connection");

        async Task<TcpClient> ConnectAsync()
        {
            var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", new Uri(proxy.Url).Port);
            return client;
        }

        static async Task<string> AskAsync(TcpClient client)
        {
            var buffer = new byte[1024];
            try
            {
                await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
                return Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer));
            }
            catch (IOException)
            {
                return ""; // closed while we wrote
            }
        }
    }

    [Fact]
    public async Task A_web_socket_beyond_the_limit_is_refused_with_a_reason()
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[16], context.RequestAborted);
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url), endpoints: "\"Http\": { \"Url\": \"http://127.0.0.1:0\" } }, \"Limits\": { \"MaxConcurrentUpgradedConnections\": 1");
        var address = new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal) + "/");
        using var first = new ClientWebSocket();
        await first.ConnectAsync(address, CancellationToken.None);
        using var second = new ClientWebSocket();
        second.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(() => second.ConnectAsync(address, CancellationToken.None));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, second.HttpStatusCode);
        Assert.Equal("1", second.HttpResponseHeaders!["Retry-After"].Single());
        Assert.Equal("upgrade_limit", (await proxy.AccessLogAsync(1))[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task The_limits_have_defaults_that_the_config_shows()
    {
        await using var upstream = await Upstream.StartAsync(context => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        var config = await proxy.Admin.GetStringAsync("/config");

        Assert.Contains("\"MaxConcurrentConnections\": 20000", config, StringComparison.Ordinal);
        Assert.Contains("\"MaxConcurrentUpgradedConnections\": 10000", config, StringComparison.Ordinal);
        Assert.Contains("\"MaxStreamsPerConnection\": 100", config, StringComparison.Ordinal);
    }
}
