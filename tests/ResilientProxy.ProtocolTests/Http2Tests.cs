using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Http2;
using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests;

public class Http2Tests(ProxyFixture fixture) : IClassFixture<ProxyFixture>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(7);

    public static TheoryData<CaseName> Names => [.. Http2Cases.All.Keys.Select(name => new CaseName(name))];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task As_the_protocol_says(CaseName name)
    {
        var test = Http2Cases.All[name.Name];
        var recording = fixture.Upstream.Begin(test.Answer);
        using var wire = await Http2Wire.ConnectAsync(fixture.Http2);

        var stream = await SendAsync(wire, test);

        await Task.WhenAll(recording.Requests.Select(request => request.Ended)).WaitAsync(Bound);
        var status = stream.IsWhole ? stream.Status : Http2Case.Reset;
        Assert.Contains(status, test.Status);
        if (test.ClientBody is { } body)
        {
            Assert.Equal(body, stream.Body);
        }

        Assert.Empty(stream.Fields.Select(field => field.Key).Intersect(test.ClientLacks, StringComparer.OrdinalIgnoreCase));
        JudgeUpstream(test, recording, status);
        await JudgeConnectionAsync(wire, test);
    }

    private static async Task<Http2Stream> SendAsync(Http2Wire wire, Http2Case test)
    {
        if (test.Send is { } send)
        {
            await send(wire);
        }
        else
        {
            await wire.SendHeadersAsync(1, [.. test.Fields, .. test.More], end: test.Body is null);
            if (test.Body is { } body)
            {
                await wire.SendDataAsync(1, body);
            }
        }

        if (test.GivesUp)
        {
            await wire.UntilClosedAsync();
        }

        return await wire.ReadAsync(1);
    }

    private static void JudgeUpstream(Http2Case test, Recording recording, int status)
    {
        Assert.Empty(recording.Flaws);
        Assert.DoesNotContain(recording.Requests, request => request.Target.Contains("smuggled", StringComparison.Ordinal));
        var whole = recording.Requests.Count(request => request.IsWhole);
        if (status is Http2Case.Reset or (>= 400 and < 500) or 501)
        {
            Assert.InRange(whole, 0, test.Reach);
        }
        else
        {
            Assert.Equal(test.Reach, whole);
        }

        if (whole == 0)
        {
            return;
        }

        var all = string.Concat(recording.Requests.Select(request => request.RawHead));
        Assert.All(test.UpstreamHas, part => Assert.Contains(part, all, StringComparison.OrdinalIgnoreCase));
        Assert.All(test.UpstreamLacks, part => Assert.DoesNotContain(part, all, StringComparison.OrdinalIgnoreCase));
        if (test.UpstreamBody is { } body)
        {
            Assert.Equal(body, recording.Requests.Last().Body);
        }
    }

    private static async Task JudgeConnectionAsync(Http2Wire wire, Http2Case test)
    {
        if (wire.Closed || wire.GoneAway is not null)
        {
            return;
        }

        Assert.False(test.GivesUp);
        await wire.SendHeadersAsync(9, Http2Case.Head(path: RecordingUpstream.Sentinel));
        var sentinel = await wire.ReadAsync(9);
        Assert.True(
            sentinel.Body == RecordingUpstream.SentinelBody || wire.GoneAway is not null || wire.Closed || (sentinel.Status == 502 && test.Answer is { End: not AnswerEnd.Open }),
            $"A further stream got {sentinel.Status} '{sentinel.Body}'.");
    }
}
