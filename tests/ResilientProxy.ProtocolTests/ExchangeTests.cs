using ResilientProxy.ProtocolTests.Wire;
using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests;

/// <summary>Exchanges in more than one step: who says what when.</summary>
public class ExchangeTests(ProxyFixture fixture) : IClassFixture<ProxyFixture>
{
    [Fact]
    public async Task A_client_that_expects_100_gets_it_before_it_sends_its_body()
    {
        // RFC 9110 section 10.1.1.
        var recording = fixture.Upstream.Begin(null);
        using var client = await WireClient.ConnectAsync(fixture.Http1);

        await client.SendAsync(Post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""));
        var interim = await client.ReadAsync(toHead: false);
        await client.SendAsync("hello");
        var final = await client.ReadAsync(toHead: false);

        Assert.Equal(100, interim!.Status);
        Assert.Equal(200, final!.Status);
        Assert.Equal("hello", Assert.Single(recording.Requests).Body);
    }

    [Fact]
    public async Task A_client_that_expects_100_is_refused_without_its_body_where_the_upstream_refuses()
    {
        // RFC 9110 section 10.1.1: the body is never asked for, and the connection does not go on as if it had come.
        var recording = fixture.Upstream.Begin(new("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", AnswerEnd.Close, Early: true));
        using var client = await WireClient.ConnectAsync(fixture.Http1);

        await client.SendAsync(Post("Expect: 100-continue\r\nContent-Length: 5000\r\n", ""));
        var answer = await client.ReadAsync(toHead: false);

        Assert.Contains("expect: 100-continue", Assert.Single(recording.Requests).RawHead, StringComparison.OrdinalIgnoreCase);
        Assert.Equal((401, "no"), (answer!.Status, answer.Body));
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_the_same_request()
    {
        // RFC 9112 section 2.2: the protocol knows no packets.
        var recording = fixture.Upstream.Begin(null);
        using var client = await WireClient.ConnectAsync(fixture.Http1);

        foreach (var one in Chunked("5;x=y\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n"))
        {
            await client.SendAsync(one.ToString());
        }

        Assert.Equal(200, (await client.ReadAsync(toHead: false))!.Status);
        var request = Assert.Single(recording.Requests);
        Assert.Equal("hello", request.Body);
        Assert.Null(request.Flaw);
    }

    [Fact]
    public async Task A_client_that_resets_in_the_middle_of_its_body_leaves_no_whole_request_behind()
    {
        // RFC 9112 section 8.
        var recording = fixture.Upstream.Begin(null);
        var client = await WireClient.ConnectAsync(fixture.Http1);
        await client.SendAsync(Post("Content-Length: 10\r\n", "hello"));
        await TestSupport.Eventually.TrueAsync(() => recording.Requests.Count == 1, "the request's head at the upstream");

        client.Dispose();

        var request = Assert.Single(recording.Requests);
        await request.Ended.WaitAsync(TimeSpan.FromSeconds(7));
        Assert.False(request.IsWhole);
    }

    [Fact]
    public async Task One_upstream_connection_never_carries_one_clients_answer_to_another()
    {
        // RFC 9112 section 9.2: answers with bytes too many, and other clients at the same time.
        fixture.Upstream.Begin(new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var client = await WireClient.ConnectAsync(fixture.Http1);
            for (var i = 0; i < 5; i++)
            {
                await client.SendAsync(Get());
                Assert.Equal("ok", (await client.ReadAsync(toHead: false))!.Body);
                await client.SendAsync(Get(target: RecordingUpstream.Sentinel));
                Assert.Equal(RecordingUpstream.SentinelBody, (await client.ReadAsync(toHead: false))!.Body);
            }
        }));
    }
}
