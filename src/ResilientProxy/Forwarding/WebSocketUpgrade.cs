using Microsoft.AspNetCore.Http.Features;

namespace ResilientProxy.Forwarding;

/// <summary>Stands between YARP's forwarder and the server while a WebSocket is opened, so that the client's end of it can be told of a drain.</summary>
internal sealed class WebSocketUpgrade : IHttpUpgradeFeature, IHttpExtendedConnectFeature
{
    private readonly Attempt _attempt;
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;

    /// <summary>Takes the server's place.</summary>
    /// <param name="context">The request.</param>
    /// <param name="attempt">The attempt whose connection it will be.</param>
    public WebSocketUpgrade(HttpContext context, Attempt attempt)
    {
        _attempt = attempt;
        _upgrade = context.Features.Get<IHttpUpgradeFeature>();
        _connect = context.Features.Get<IHttpExtendedConnectFeature>();
        if (_upgrade is not null)
        {
            context.Features.Set<IHttpUpgradeFeature>(this);
        }

        if (IsExtendedConnect)
        {
            context.Features.Set<IHttpExtendedConnectFeature>(this);
        }
    }

    /// <inheritdoc/>
    public bool IsUpgradableRequest => _upgrade?.IsUpgradableRequest == true;

    /// <inheritdoc/>
    public bool IsExtendedConnect => _connect?.IsExtendedConnect == true;

    /// <inheritdoc/>
    public string? Protocol => _connect?.Protocol;

    /// <inheritdoc/>
    public async Task<Stream> UpgradeAsync() => Watch(await _upgrade!.UpgradeAsync());

    /// <inheritdoc/>
    public async ValueTask<Stream> AcceptAsync()
    {
        var stream = await _connect!.AcceptAsync();
        return string.Equals(Protocol, "websocket", StringComparison.OrdinalIgnoreCase) ? Watch(stream) : stream; // others have frames of their own
    }

    /// <summary>Gives the server its place back.</summary>
    /// <param name="context">The request.</param>
    public void Leave(HttpContext context)
    {
        if (_upgrade is not null)
        {
            context.Features.Set(_upgrade);
        }

        if (_connect is not null)
        {
            context.Features.Set(_connect);
        }
    }

    private ClientWebSocketStream Watch(Stream stream)
    {
        var socket = new ClientWebSocketStream(stream, _attempt.Token);
        _attempt.WebSocket = socket;
        return socket;
    }
}
