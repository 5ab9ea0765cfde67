using ResilientProxy.ProtocolTests.Http2;
using ResilientProxy.ProtocolTests.Wire;
using static ResilientProxy.ProtocolTests.Http2.Http2Wire;

namespace ResilientProxy.ProtocolTests;

/// <summary>Frames and fields in numbers nobody needs: each costs the client its connection, or nothing; never the other clients theirs.</summary>
public class FloodTests(ProxyFixture fixture) : IClassFixture<ProxyFixture>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(7);

    [Fact]
    public async Task Rapid_reset_costs_the_client_its_connection_and_does_not_reach_the_upstream_in_full()
    {
        // RFC 9113 section 10.5, CVE-2023-44487.
        const int Streams = 2000;
        var recording = fixture.Upstream.Begin(null);
        using var wire = await ConnectAsync(fixture.Http2);
        var block = Hpack.Write(Http2Case.Head());
        var burst = Enumerable.Range(0, 100).ToArray();

        var sent = 0;
        while (sent < Streams && await wire.SendBytesAsync([.. burst.SelectMany(i => Reset((2 * (sent + i)) + 1))]))
        {
            sent += burst.Length;
        }

        await OthersAreServedAsync();
        await wire.UntilClosedAsync();
        Assert.InRange(recording.Requests.Count, 0, Streams - 1);

        byte[] Reset(int stream) =>
            [.. Frame(Headers, EndHeaders | EndStream, stream, block), .. Frame(ResetStream, 0, stream, [0, 0, 0, 8])];
    }

    [Theory]
    [InlineData("RFC 9113 10.5.1: empty continuations", 0)]
    [InlineData("RFC 9113 10.5.1: continuations with fields", 8192)]
    public async Task A_flood_of_continuations_costs_the_client_its_connection(string name, int bytes)
    {
        // CVE-2024-27316 and its kin: a header block that never ends.
        Assert.StartsWith("RFC 9113", name, StringComparison.Ordinal);
        var recording = fixture.Upstream.Begin(null);
        using var wire = await ConnectAsync(fixture.Http2);
        await wire.SendAsync(Headers, EndStream, 1, Hpack.Write(Http2Case.Head()));
        var part = Frame(Continuation, 0, 1, bytes == 0 ? [] : Hpack.Write([("x-part", new string('a', bytes))]));
        byte[] burst = [.. Enumerable.Repeat(part, bytes == 0 ? 1000 : 4).SelectMany(frame => frame)];

        var open = true;
        for (var i = 0; i < 200 && open; i++)
        {
            open = await wire.SendBytesAsync(burst);
        }

        await OthersAreServedAsync();
        if (bytes > 0)
        {
            await wire.UntilClosedAsync();
        }

        Assert.Empty(recording.Requests);
    }

    [Theory]
    [InlineData("RFC 9113 10.5: settings", Settings, new byte[0])]
    [InlineData("RFC 9113 10.5: pings", Ping, new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData("RFC 9113 10.5: priorities", Priority, new byte[] { 0, 0, 0, 0, 1 })]
    [InlineData("RFC 9113 10.5: window updates", WindowUpdate, new byte[] { 0, 0, 0, 1 })]
    public async Task A_flood_of_control_frames_whose_answers_nobody_reads_harms_nobody_else(string name, byte type, byte[] payload)
    {
        Assert.StartsWith("RFC 9113", name, StringComparison.Ordinal);
        using var wire = await ConnectAsync(fixture.Http2);
        var frame = Frame(type, 0, type == Priority ? 1 : 0, payload);
        byte[] burst = [.. Enumerable.Repeat(frame, 1000).SelectMany(bytes => bytes)];
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(2));

        // Sent until the server closes, or takes no more, or has taken 100 000: nothing is read meanwhile.
        var flood = FloodAsync();

        await OthersAreServedAsync();
        await flood.WaitAsync(Bound);
        await OthersAreServedAsync();

        async Task FloodAsync()
        {
            for (var i = 0; i < 100; i++)
            {
                var sending = wire.SendBytesAsync(burst);
                if (await Task.WhenAny(sending, Task.Delay(Timeout.Infinite, enough.Token)) != sending || !await sending)
                {
                    return;
                }
            }
        }
    }

    [Fact]
    public async Task A_bomb_of_indexed_fields_is_refused()
    {
        // RFC 7541 section 7.3: one large field in the table, named thousands of times in few bytes.
        var recording = fixture.Upstream.Begin(null);
        using var wire = await ConnectAsync(fixture.Http2);
        var large = Hpack.Write([("x-bomb", new string('a', 3900))]);
        large[0] = 0x40; // this one is kept in the table, as its newest entry
        byte[] block = [.. Hpack.Write(Http2Case.Head()), .. large, .. Enumerable.Repeat((byte)0xbe, 12_000)];

        await wire.SendAsync(Headers, EndStream | EndHeaders, 1, block);
        var stream = await wire.ReadAsync(1);

        Assert.True(stream.Status is 431 or 400 || stream.Reset is not null || wire.GoneAway is not null || wire.Closed);
        Assert.Empty(recording.Requests);
        await OthersAreServedAsync();
    }

    [Fact]
    public async Task Empty_data_frames_without_end_do_not_become_chunks_without_end()
    {
        // RFC 9113 section 10.5; an empty chunk would end the upstream's message (RFC 9112 section 7.1).
        var recording = fixture.Upstream.Begin(null);
        using var wire = await ConnectAsync(fixture.Http2);
        await wire.SendHeadersAsync(1, Http2Case.Head("POST"), end: false);
        await wire.SendBytesAsync([.. Enumerable.Repeat(Frame(Data, 0, 1, []), 5000).SelectMany(frame => frame)]);
        await wire.SendDataAsync(1, "hello");

        var stream = await wire.ReadAsync(1);

        if (stream.Status == 200)
        {
            Assert.Equal("hello", Assert.Single(recording.Requests).Body);
        }

        Assert.Empty(recording.Flaws);
        await OthersAreServedAsync();
    }

    [Fact]
    public async Task A_wrong_preface_ends_the_connection()
    {
        // RFC 9113 section 3.4.
        using var wire = await ConnectAsync(fixture.Http2, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");

        await wire.UntilClosedAsync();

        Assert.True(wire.Closed);
    }

    [Fact]
    public async Task The_preface_of_http2_on_an_endpoint_of_http1_is_told_so_and_ends_the_connection()
    {
        // RFC 9113 section 7: HTTP_1_1_REQUIRED.
        using var wire = await ConnectAsync(fixture.Http1);

        await wire.UntilClosedAsync();

        Assert.True(wire.GoneAway is 13 or null);
    }

    private async Task OthersAreServedAsync()
    {
        using var other = await ConnectAsync(fixture.Http2);
        await other.SendHeadersAsync(1, Http2Case.Head(path: RecordingUpstream.Sentinel));
        var answer = await other.ReadAsync(1);
        Assert.Equal(RecordingUpstream.SentinelBody, answer.Body);
    }
}
