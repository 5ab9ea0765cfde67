using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>What one client and one upstream may ask of the proxy.</summary>
public class LimitTests
{
    private const string ShortHeaders = "\"Limits\": { \"RequestHeadersTimeout\": \"1s\" }";

    [Fact]
    public async Task Clients_that_drip_their_headers_are_closed_and_leave_normal_traffic_unharmed()
    {
        const int Slow = 300;
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), kestrel: ShortHeaders);
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var slow = await Task.WhenAll(Enumerable.Range(0, Slow).Select(_ => OpenAsync(proxy, "GET /slow HTTP/1.1\r\nHost: a\r\nX-Drip: ", end.Token)));
        var closed = slow.Select(client => ReadToEndAsync(client, end.Token)).ToArray();
        var all = Task.WhenAll(closed);

        // A byte from each of them for every answer to somebody else, until the last one is closed.
        var answers = 0;
        while (!all.IsCompleted)
        {
            Assert.Equal("ok", await proxy.Client.GetStringAsync("/normal", end.Token));
            answers++;
            foreach (var client in slow)
            {
                await DripAsync(client);
            }
        }

        Assert.All(await all, answer => Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal), answer));
        Assert.Equal(answers, upstream.Requests.Count);
        Assert.DoesNotContain("GET /slow", upstream.Requests);
        Assert.Equal("ok", await proxy.Client.GetStringAsync("/normal", end.Token));
        foreach (var client in slow)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_body_that_drips_is_served_whatever_its_pace()
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            var text = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsync(text);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), kestrel: ShortHeaders);
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var dripping = await OpenAsync(proxy, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\na", end.Token);

        // Longer than the headers may take: another connection's headers run out meanwhile.
        using var idle = await OpenAsync(proxy, "GET / HTTP/1.1\r\n", end.Token);
        await ReadToEndAsync(idle, end.Token);
        await dripping.WriteAsync("bc"u8.ToArray(), end.Token);

        Assert.Contains("abc", await ReadToEndAsync(dripping, end.Token));
    }

    [Theory]
    [InlineData("bytes")]
    [InlineData("count")]
    public async Task A_header_bomb_gets_431(string kind)
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var headers = kind == "bytes"
            ? string.Concat(Enumerable.Range(0, 40).Select(i => $"X-{i}: {new string('x', 1024)}\r\n"))
            : string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: 1\r\n"));

        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync(proxy, $"GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
        Assert.Empty(upstream.Requests);
    }

    [Fact]
    public async Task A_request_line_that_is_too_long_gets_414()
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        Assert.StartsWith("HTTP/1.1 414 ", await AskAsync(proxy, $"GET /{new string('x', 9000)} HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Empty(upstream.Requests);
    }

    [Fact]
    public async Task The_limits_of_the_head_are_the_configs()
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url),
            kestrel: "\"Limits\": { \"MaxRequestHeaderCount\": 3, \"MaxRequestLineSize\": 50 }");

        Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(proxy, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nA: 1\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync(proxy, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nA: 1\r\nB: 2\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 414 ", await AskAsync(proxy, $"GET /{new string('x', 50)} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    [Fact]
    public async Task Connections_beyond_the_most_are_closed_at_once()
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), kestrel: "\"Limits\": { \"MaxConcurrentConnections\": 1 }");
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var first = await OpenAsync(proxy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", end.Token);
        Assert.StartsWith("HTTP/1.1 200 ", await ReadSomeAsync(first, end.Token));

        using var second = await OpenAsync(proxy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", end.Token);

        Assert.Equal("", await ReadToEndAsync(second, end.Token));
        Assert.Single(upstream.Requests);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Response_headers_beyond_the_most_are_a_protocol_error(HttpProtocols protocol)
    {
        await using var upstream = await Upstream.StartAsync(
            context =>
            {
                for (var i = 0; i < int.Parse(context.Request.Path.Value![1..], System.Globalization.CultureInfo.InvariantCulture); i++)
                {
                    context.Response.Headers[$"X-{i}"] = new string('x', 1000);
                }

                return Task.CompletedTask;
            },
            protocol);
        var version = protocol == HttpProtocols.Http2 ? "\"HttpRequest\": { \"Version\": \"2\", \"VersionPolicy\": \"RequestVersionExact\" }, " : "";
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", version + "\"Resilience\": { \"MaxResponseHeaderBytes\": \"8KiB\" }", upstream.Url));

        using var small = await proxy.Client.GetAsync("/6");
        using var large = await proxy.Client.GetAsync("/10");

        Assert.Equal(HttpStatusCode.OK, small.StatusCode);
        Assert.Equal(HttpStatusCode.BadGateway, large.StatusCode);
        Assert.Contains("error=http_protocol_error;", large.Headers.GetValues("Proxy-Status").Single());
    }

    private static async Task<string> AskAsync(RunningProxy proxy, string request)
    {
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = await OpenAsync(proxy, request, end.Token);
        return await ReadToEndAsync(client, end.Token);
    }

    private static async Task<NetworkStream> OpenAsync(RunningProxy proxy, string text, CancellationToken end)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(proxy.Url).Port, end);
        var client = new NetworkStream(socket, ownsSocket: true);
        await client.WriteAsync(Encoding.Latin1.GetBytes(text), end);
        return client;
    }

    private static async Task DripAsync(NetworkStream client)
    {
        try
        {
            await client.WriteAsync("x"u8.ToArray());
        }
        catch (IOException)
        {
            // Closed by the proxy: what the test is about.
        }
    }

    private static async Task<string> ReadSomeAsync(NetworkStream client, CancellationToken end)
    {
        var buffer = new byte[4096];
        return Encoding.Latin1.GetString(buffer, 0, await client.ReadAsync(buffer, end));
    }

    private static async Task<string> ReadToEndAsync(NetworkStream client, CancellationToken end)
    {
        var text = "";
        try
        {
            while (await ReadSomeAsync(client, end) is { Length: > 0 } more)
            {
                text += more;
            }
        }
        catch (IOException)
        {
            // A reset is an end too.
        }

        return text;
    }
}
