using ResilientProxy.Http1;

namespace ResilientProxy.Forwarding;

/// <summary>Turns a connection's end where a response is due into an error that says so.</summary>
/// <remarks>
/// <see cref="SocketsHttpHandler"/> sends a request without a body again, up to three times and for any method, when the connection ends cleanly
/// before a response: the upstream may have acted on each. An exception in place of the end of stream stops that; whether to try again is decided
/// in one place, by the route's policy.
/// </remarks>
internal sealed class ResponseGuardStream(Stream inner) : Stream
{
    private bool _responseDue;
    private int _exchanges;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

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
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The proxy never blocks on a connection.");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The proxy never blocks on a connection.");

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException("The proxy never blocks on a connection.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

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
