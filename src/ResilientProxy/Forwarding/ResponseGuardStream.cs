using ResilientProxy.Http1;
using ResilientProxy.Values;

namespace ResilientProxy.Forwarding;

/// <summary>Turns a connection's end where a response is due into an error that says so.</summary>
/// <remarks>
/// <see cref="SocketsHttpHandler"/> sends a request without a body again, up to three times and for any method, when the connection ends cleanly
/// before a response: the upstream may have acted on each. An exception in place of the end of stream stops that; whether to try again is decided
/// in one place, by the route's policy.
/// </remarks>
internal sealed class ResponseGuardStream(Stream inner) : AsyncStream
{
    private bool _responseDue;
    private int _exchanges;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        try
        {
            read = await inner.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException error) when (_responseDue && !buffer.IsEmpty)
        {
            throw new UpstreamClosedException(_exchanges > 1, error);
        }

        if (read > 0)
        {
            _responseDue = false;
        }
        else if (_responseDue && !buffer.IsEmpty)
        {
            throw new UpstreamClosedException(_exchanges > 1);
        }

        return read;
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_responseDue)
        {
            _responseDue = true;
            _exchanges++;
        }

        return inner.WriteAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
