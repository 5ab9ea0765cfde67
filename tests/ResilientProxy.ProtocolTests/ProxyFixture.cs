using System.Net;
using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Wire;
using ResilientProxy.TestSupport;

namespace ResilientProxy.ProtocolTests;

/// <summary>A proxy and its recording upstream, for all cases one after the other: what one leaves behind must not harm the next.</summary>
public sealed class ProxyFixture : IAsyncLifetime, IAsyncDisposable
{
    private RecordingUpstream? _upstream;
    private RunningProxy? _proxy;

    internal RecordingUpstream Upstream => _upstream!;

    internal RunningProxy Proxy => _proxy!;

    /// <summary>Where it speaks HTTP/1.</summary>
    public IPEndPoint Http1 => IPEndPoint.Parse(new Uri(_proxy!.Urls[0]).Authority);

    /// <summary>Where it speaks HTTP/2 in clear text.</summary>
    public IPEndPoint Http2 => IPEndPoint.Parse(new Uri(_proxy!.Urls[1]).Authority);

    internal CaseRunner Runner => new(Http1, Upstream);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _upstream = new RecordingUpstream();

        // No retries: each request is to be seen once. Timers that are longer than a case takes, and shorter than its bound.
        _proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "\"Retry\": \"off\", \"Timeouts\": { \"Total\": \"5s\", \"Attempt\": \"3s\", \"Idle\": \"3s\" }",
            "\"Resilience\": { \"CircuitBreaker\": \"off\" }", // hundreds of answers that are wrong on purpose
            _upstream.Url),
            endpoints: "\"H1\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http1\" }, \"H2\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await _proxy!.DisposeAsync();
        await _upstream!.DisposeAsync();
    }

    ValueTask IAsyncDisposable.DisposeAsync() => new(DisposeAsync());
}
