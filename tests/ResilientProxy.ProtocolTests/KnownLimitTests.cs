using System.Net;
using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Wire;
using ResilientProxy.TestSupport;
using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests;

/// <summary>What the platform leaves out or decides by itself, each shown as it is: a test that fails here tells that a limit has gone.</summary>
public class KnownLimitTests(ProxyFixture fixture) : IClassFixture<ProxyFixture>
{
    [Fact]
    public Task Known_limit_interim_answers_are_not_relayed() => HoldsAsync(new("RFC 8297 2: HttpClient keeps 1xx answers to itself")
    {
        Answer = new("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        ClientLacks = ["103", "preload"],
        ClientBody = "ok",
    });

    [Fact]
    public Task Known_limit_trailers_of_a_request_are_dropped() => HoldsAsync(new("RFC 9110 6.5.1: HttpClient sends no trailers")
    {
        Request = Chunked("5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n"),
        UpstreamBody = "hello",
        UpstreamLacks = ["X-Trailer"],
    });

    [Fact]
    public Task Known_limit_trailers_of_an_answer_do_not_reach_a_client_of_http11() => HoldsAsync(new("RFC 9110 6.5.1: Kestrel sends none over HTTP/1.1")
    {
        Answer = Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
        ClientBody = "ok",
        ClientLacks = ["X-Sum"],
    });

    [Fact]
    public Task Known_limit_line_ends_of_any_kind_before_a_request_line_are_passed_over() => HoldsAsync(new("RFC 9112 2.2: an empty line there is none of the request's; here a bare LF is one, too")
    {
        Request = "\n\r\n\r" + Get(),
    });

    [Fact]
    public Task Known_limit_fields_whose_names_are_no_tokens_are_dropped_not_refused() => HoldsAsync(new("RFC 9110 5.6.2: HttpClient does not take them")
    {
        Request = Get("(X-Field): 1\r\n"),
        UpstreamLacks = ["X-Field"],
    });

    [Fact]
    public Task Known_limit_a_chunk_extension_may_be_of_any_length_and_is_dropped() => HoldsAsync(new("RFC 9112 7.1.1: Kestrel reads over it without keeping it")
    {
        Request = Chunked($"5;{new string('a', 200_000)}\r\nhello\r\n0\r\n\r\n"),
        UpstreamBody = "hello",
    });

    [Fact]
    public async Task Known_limit_a_client_that_half_closes_is_taken_for_one_that_left()
    {
        // RFC 9112 section 9.6: Kestrel tells no half-closed connection from a closed one. The upstream's request is cancelled, not left behind.
        var arrived = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            arrived.SetResult();
            await connection.UntilClosedAsync();
            cancelled.SetResult();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Retry\": \"off\"", "", upstream.Url));
        using var client = await WireClient.ConnectAsync(IPEndPoint.Parse(new Uri(proxy.Url).Authority));
        await client.SendAsync(Get());
        await arrived.Task;

        client.HalfClose();

        Assert.Null(await client.ReadAsync(toHead: false));
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(7));
    }

    private async Task HoldsAsync(ProtocolCase limit)
    {
        var complaints = await fixture.Runner.RunAsync(limit);
        Assert.True(complaints.Count == 0, $"{limit.Name}: {string.Join('\n', complaints)}");
    }
}
