using System.Net;
using System.Net.Sockets;
using ResilientProxy.Values;

namespace ResilientProxy.Http1;

/// <summary>A connection that has switched protocols (RFC 9110 section 15.2.2): bytes both ways, until one side ends it.</summary>
/// <param name="connection">The connection. It holds no buffer while nothing moves.</param>
internal sealed class UpgradedStream(Http1Connection connection) : AsyncStream
{
    /// <inheritdoc/>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">The exchange was ended.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // What came right behind the head.
        if (!connection.Received.IsEmpty)
        {
            var count = Math.Min(connection.Received.Length, buffer.Length);
            connection.Received[..count].CopyTo(buffer.Span);
            connection.Take(count);
            return count;
        }

        connection.ReleaseBuffer();
        using var registration = EndsWith(cancellationToken);
        try
        {
            var count = await connection.ReceiveAsync(buffer);

            // A connection that this side has shut down reads as one that has come to its end.
            return count > 0 || !connection.IsClosed ? count : throw new IOException("The connection to the upstream was given up.");
        }
        catch (Exception error) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The exchange was ended.", error, cancellationToken);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">The exchange was ended.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var registration = EndsWith(cancellationToken);
        try
        {
            await connection.SendAsync(buffer);
        }
        catch (Exception error) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The exchange was ended.", error, cancellationToken);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            throw new IOException("The connection to the upstream broke.", error);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Abandon();
        }

        base.Dispose(disposing);
    }

    // No operation on the socket has a token of its own: what ends one ends the connection.
    private CancellationTokenRegistration EndsWith(CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled && cancellationToken != connection.Token
            ? cancellationToken.UnsafeRegister(static connection => ((Http1Connection)connection!).Dispose(), connection)
            : default;
}

/// <summary>A connection that has switched protocols, as .NET's messages carry it.</summary>
/// <param name="stream">The connection's two directions.</param>
internal sealed class UpgradedContent(UpgradedStream stream) : HttpContent
{
    /// <inheritdoc/>
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(stream);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream target, TransportContext? context) => stream.CopyToAsync(target);

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
        }

        base.Dispose(disposing);
    }
}
