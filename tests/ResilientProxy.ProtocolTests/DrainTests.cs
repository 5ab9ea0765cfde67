using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.ProtocolTests.Http2;
using ResilientProxy.TestSupport;

namespace ResilientProxy.ProtocolTests;

public class DrainTests
{
    [Fact]
    public async Task A_drain_sends_a_goaway_and_the_stream_in_flight_ends_whole()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("done");
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url), endpoints: "\"H2\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
        using var wire = await Http2Wire.ConnectAsync(IPEndPoint.Parse(new Uri(proxy.Url).Authority));
        await wire.SendHeadersAsync(1, [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/")]);
        await Eventually.TrueAsync(() => upstream.Requests.Count == 1, "the request at the upstream");

        var drain = proxy.DrainAsync();
        await wire.UntilGoneAwayAsync();
        Assert.Equal(0u, wire.GoneAway); // RFC 9113 section 6.8: NO_ERROR
        release.SetResult();
        var stream = await wire.ReadAsync(1);

        Assert.True(stream.IsWhole);
        Assert.Equal("done", stream.Body);
        await wire.UntilClosedAsync();
        await drain;
    }
}
