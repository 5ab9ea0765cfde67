using ResilientProxy.Values;

namespace ResilientProxy.Forwarding;

/// <summary>The client's end of a WebSocket, as bytes; a close frame of the proxy's own can go out between two frames of the upstream's.</summary>
/// <param name="inner">The connection.</param>
/// <param name="aborted">Cancelled when the connection ends from our side.</param>
internal sealed class ClientWebSocketStream(Stream inner, CancellationToken aborted) : AsyncStream
{
    // FIN and opcode 8; a length of two, unmasked as from any server; 1001, "going away" (RFC 6455 sections 5.5.1 and 7.4.1).
    private static readonly ReadOnlyMemory<byte> GoingAway = new byte[] { 0x88, 0x02, 0x03, 0xE9 };

    // Writes take turns: the copy of the upstream's bytes, and the one close frame.
    private readonly SemaphoreSlim _turn = new(1, 1);
    private WebSocketFrames _frames;
    private bool _closeIsDue;

    /// <summary>Whether the proxy's close frame has gone out.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Tells the client that this server goes away: now, or once the frame that is on its way has ended.</summary>
    /// <remarks>The client's answer is forwarded as anything it sends: the upstream learns of the close by it.</remarks>
    public async Task CloseAsync()
    {
        try
        {
            await _turn.WaitAsync(aborted);
        }
        catch (OperationCanceledException)
        {
            return; // it has ended
        }

        try
        {
            _closeIsDue = !_frames.HasClosed;
            if (_closeIsDue && !IsClosed && _frames.IsBetweenFrames)
            {
                await SendCloseAsync(aborted);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone: there is nobody to tell.
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (IsClosed)
            {
                return; // RFC 6455 section 5.5.1: nothing follows a close frame
            }

            if (!_closeIsDue)
            {
                _frames.Follow(buffer.Span);
                await inner.WriteAsync(buffer, cancellationToken);
                return;
            }

            await inner.WriteAsync(buffer[.._frames.FollowFrame(buffer.Span)], cancellationToken);
            if (_frames.IsBetweenFrames && !_frames.HasClosed)
            {
                await SendCloseAsync(cancellationToken);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose(); // not the turns: a close frame may be waiting for one
        }

        base.Dispose(disposing);
    }

    private async ValueTask SendCloseAsync(CancellationToken cancellationToken)
    {
        IsClosed = true;
        await inner.WriteAsync(GoingAway, cancellationToken);
        await inner.FlushAsync(cancellationToken);
    }
}
