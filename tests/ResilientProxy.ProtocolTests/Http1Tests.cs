using System.Net;
using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Wire;
using ResilientProxy.TestSupport;

namespace ResilientProxy.ProtocolTests;

/// <summary>A proxy and its recording upstream, for all cases one after the other: what one leaves behind must not harm the next.</summary>
public sealed class Http1Fixture : IAsyncLifetime, IAsyncDisposable
{
    private RecordingUpstream? _upstream;
    private RunningProxy? _proxy;

    internal CaseRunner Runner => new(IPEndPoint.Parse(new Uri(_proxy!.Url).Authority), _upstream!);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _upstream = new RecordingUpstream();

        // No retries: each request is to be seen once. Timers that are longer than a case takes, and shorter than its bound.
        _proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "\"Retry\": \"off\", \"Timeouts\": { \"Total\": \"5s\", \"Attempt\": \"3s\", \"Idle\": \"3s\" }",
            "",
            _upstream.Url));
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await _proxy!.DisposeAsync();
        await _upstream!.DisposeAsync();
    }

    ValueTask IAsyncDisposable.DisposeAsync() => new(DisposeAsync());
}

public class Http1Tests(Http1Fixture fixture) : IClassFixture<Http1Fixture>
{
    public static TheoryData<CaseName> Names => [.. ProtocolCases.All.Keys.Select(name => new CaseName(name))];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task As_the_protocol_says(CaseName test)
    {
        var complaints = await fixture.Runner.RunAsync(ProtocolCases.All[test.Name]);

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }
}
