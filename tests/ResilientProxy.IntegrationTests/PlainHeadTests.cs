using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using ResilientProxy.Forwarding;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>A request whose head is written straight from the client's is the same request.</summary>
public partial class PlainHeadTests
{
    private const string Traced = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

    [Theory]
    [InlineData("GET /a/b?c=d%2Fe&f HTTP/1.1", "Accept: */*\r\n")]
    [InlineData("GET /a%2Fb//c/..d?e?f HTTP/1.1", "")]
    [InlineData("GET /a/../b HTTP/1.1", "")]
    [InlineData("GET http://a.test:81/a?b HTTP/1.1", "")]
    [InlineData("OPTIONS /a HTTP/1.1", "")]
    [InlineData("GET /a HTTP/1.0", "Connection: keep-alive\r\n")]
    [InlineData("HEAD /a HTTP/1.1", "")]
    [InlineData("FROB /a HTTP/1.1", "")]
    [InlineData("GET /a HTTP/1.1", "Cookie: a=1\r\nCookie: b=2\r\nUser-Agent: one\r\nUser-Agent: two\r\nAccept: x\r\nAccept: y\r\nX-Twice: 1\r\nx-twice: 2\r\n")]
    [InlineData("GET /a HTTP/1.1", "X-Empty:\r\nX-Space:  v \r\nX-Latin: caf\u00e9\r\nx-odd!#$%&'*+-.^_`|~: 1\r\n")]
    [InlineData("GET /a HTTP/1.1", "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: x\r\nUpgrade-Insecure-Requests: 1\r\nProxy-Authorization: x\r\n")]
    [InlineData("GET /a HTTP/1.1", Traced + "tracestate: a=b\r\n")]
    [InlineData("GET /a HTTP/1.1", "tracestate: a=b\r\n")]
    [InlineData("GET /a HTTP/1.1", "traceparent: nonsense\r\ntracestate: a=b\r\n")]
    [InlineData("GET /a HTTP/1.1", "Via: 1.1 one\r\nVia: 1.1 two\r\nX-Attempt-Count: 7\r\n")]
    [InlineData("GET /a HTTP/1.1", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /p\r\nForwarded: for=1.2.3.4\r\n")]
    [InlineData("GET /a HTTP/1.1", "Expect: 100-continue\r\nContent-Type: text/plain\r\n")]
    [InlineData("GET /a HTTP/1.1", "X-Deadline-Ms: 4000\r\ngrpc-timeout: 4S\r\n")]
    [InlineData("POST /a HTTP/1.1", "Content-Length: 3\r\nContent-Type: text/plain\r\nContent-Encoding: x\r\n", "abc")]
    [InlineData("POST /a HTTP/1.1", "Content-Length: 003\r\n", "abc")]
    [InlineData("POST /a HTTP/1.1", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("POST /a HTTP/1.1", "Content-Length: 3\r\nExpect: 100-continue\r\n", "abc")]
    [InlineData("POST /a HTTP/1.1", "Content-Length: 0\r\n")]
    [InlineData("POST /a HTTP/1.1", "")]
    [InlineData("PUT /a HTTP/1.1", "Content-Type: text/plain\r\n")]
    [InlineData("GET /a HTTP/1.1", "Content-Length: 3\r\n", "abc")]
    [InlineData("DELETE /a HTTP/1.1", "Content-Length: 0\r\n")]
    public async Task A_request_is_the_same_with_and_without_a_transform_that_might_look_at_it(string line, string fields, string body = "")
    {
        var request = $"{line}\r\nHost: a.test:81\r\n{fields}\r\n{body}";

        var looked = await SeenAsync(request, """, "Transforms": [ { "RequestHeadersCopy": "true" } ]""");
        var plain = await SeenAsync(request, "");

        Assert.NotEqual("", plain);
        Assert.Equal(looked, plain);
    }

    [Theory]
    [InlineData("http://a.test:8080/base/path/", "a.test:8080", "/base/path")]
    [InlineData("http://a.test/", "a.test", "")]
    [InlineData("HTTP://A.test:80", "a.test", "")]
    [InlineData("http://[::1]:81", "[::1]:81", "")]
    public void An_address_is_taken_apart(string address, string authority, string basePath)
    {
        var destination = PlainDestination.Of(address)!;

        Assert.Equal((authority, basePath), (destination.Authority, destination.BasePath));
    }

    [Theory]
    [InlineData("https://a.test/")]
    [InlineData("http://user@a.test/")]
    [InlineData("http://a.test/?q")]
    [InlineData("http://a.test/caf%C3%A9")]
    public void What_is_more_than_host_port_and_path_goes_the_long_way(string address) => Assert.Null(PlainDestination.Of(address));

    // The request as the upstream sees it: its line, its fields in any order, its body. A span's id is one of its own each time, and the absence of a
    // body may be said or not where it is usual.
    private static async Task<string> SeenAsync(string request, string transforms)
    {
        var seen = "";
        await using var upstream = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { Length: > 0 } head)
            {
                if (head.Contains("Expect:", StringComparison.Ordinal))
                {
                    await connection.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
                }

                var isChunked = head.Contains("chunked", StringComparison.Ordinal);
                var length = isChunked ? "3\r\nabc\r\n0\r\n\r\n".Length : ContentLength().Match(head) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan) : 0;
                var body = await connection.ReadBodyAsync(length);
                var lines = SpanId().Replace(head, "$1-(new)-").Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                seen = string.Join('\n', lines.Skip(1).Where(field => field != "Content-Length: 0" || lines[0].StartsWith('P')).Order(StringComparer.Ordinal).Prepend(lines[0]).Append(body));
                await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        });
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": { "all": { "ClusterId": "c", "Match": { "Path": "/{**rest}" }, "Resilience": { "Deadline": { "Header": "X-Deadline-Ms" } }{{transforms}} } },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } } } }
            }
            """);
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(new Uri(proxy.Url).Authority));
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request));
        var answer = new byte[4096];
        var count = await client.GetStream().ReadAtLeastAsync(answer, "HTTP/1.1 200".Length);
        Assert.StartsWith("HTTP/1.1 200", Encoding.Latin1.GetString(answer, 0, count), StringComparison.Ordinal);
        return OfThisRun().Replace(seen.Replace(new Uri(upstream.Url).Authority, "(upstream)", StringComparison.Ordinal), "(own)");
    }

    [GeneratedRegex("Content-Length: ([0-9]+)")]
    private static partial Regex ContentLength();

    // The proxy's own name, a trace it began, and what is left of a deadline.
    [GeneratedRegex("(?<=resilient-proxy-)[0-9a-f]+|(?<=traceparent: 00-)[0-9a-f]{32}(?=.*-00$)|(?<=X-Deadline-Ms: )[0-9]+", RegexOptions.Multiline)]
    private static partial Regex OfThisRun();

    [GeneratedRegex("(?<=traceparent: )(.*)-[0-9a-f]{16}-")]
    private static partial Regex SpanId();
}
