using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using ResilientProxy.Values;

namespace ResilientProxy.Http1;

/// <summary>A response's body as it comes in: RFC 9112 section 6.3. One that breaks off is an error, never an end.</summary>
/// <param name="connection">Where from.</param>
/// <param name="response">Takes the trailers.</param>
/// <param name="length">How many bytes; null where the chunks or the connection's end say it.</param>
/// <param name="isChunked">Whether in chunks.</param>
internal sealed class ResponseBody(Http1Connection connection, HttpResponseMessage response, long? length, bool isChunked) : AsyncStream
{
    // RFC 9110 section 6.5.1: what frames, routes or decides about a message stands in its head or nowhere.
    private static readonly FrozenSet<string> NoTrailers = new[]
    {
        "Age", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Cookie", "Date",
        "Expect", "Expires", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive", "Location",
        "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Retry-After", "Set-Cookie", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Vary", "Via", "Warning", "WWW-Authenticate",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private Http1Connection? _connection = connection;
    private readonly bool _untilClosed = length is null && !isChunked;
    private long _left = length ?? long.MaxValue;
    private ChunkDecoder _chunks;
    private LineScanner _trailers;
    private bool _isOver;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <summary>How many bytes there are to be; null where that is not said.</summary>
    public long? Declared { get; } = length;

    /// <summary>Whether trailers have come.</summary>
    public bool HasTrailers { get; private set; }

    /// <summary>The head is read: a body of no bytes is over.</summary>
    public void Begin()
    {
        if (_left == 0)
        {
            End();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The body broke off, or its chunks are none.</exception>
    /// <exception cref="OperationCanceledException">The exchange was ended.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return TryTake(buffer.Span, out var count) ? new(count) : ReceiveAsync(buffer, cancellationToken);
        }
        catch (IOException error)
        {
            Abandon();
            return ValueTask.FromException<int>(error);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _connection is not null)
        {
            if (!_isOver)
            {
                Drain();
            }
            else if (_connection.ResponseEnded())
            {
                _connection = null; // the request went on for a while after its answer
            }

            Abandon();
        }

        base.Dispose(disposing);
    }

    // What is there already, without waiting; true where there is something or the body is over.
    private bool TryTake(Span<byte> target, out int count)
    {
        count = 0;
        if (_isOver)
        {
            return true;
        }

        var from = _connection ?? throw new IOException("The response was given up.");
        if (isChunked && !TryReadFraming(from))
        {
            return _isOver;
        }

        var received = from.Received;
        if (received.IsEmpty)
        {
            return false;
        }

        count = (int)Math.Min(Math.Min(received.Length, target.Length), isChunked ? _chunks.Left : _left);
        received[..count].CopyTo(target);
        from.Take(count);
        Took(count, from);
        return true;
    }

    private void Took(int count, Http1Connection from)
    {
        if (!isChunked)
        {
            if (!_untilClosed && (_left -= count) == 0)
            {
                End();
            }
        }
        else if (count > 0)
        {
            _chunks.Take(count);
            TryReadFraming(from); // the last chunk is mostly there by now: the connection is free then
        }
    }

    // Whether the next byte is one of the body's.
    private bool TryReadFraming(Http1Connection from)
    {
        if (_chunks.Left > 0)
        {
            return true;
        }

        from.Take(_chunks.Read(from.Received));
        if (!_chunks.AtTrailers)
        {
            return _chunks.Left > 0;
        }

        if (_trailers.TryFindEnd(from.Received, out var trailers))
        {
            if (trailers > 2)
            {
                ReadTrailers(from.Received[..trailers], from.MaxHeadBytes);
            }

            from.Take(trailers);
            End();
        }
        else if (from.Received.Length >= from.MaxHeadBytes)
        {
            throw new AnswerTooLargeException(from.MaxHeadBytes);
        }

        return false;
    }

    private void ReadTrailers(ReadOnlySpan<byte> trailers, int limit)
    {
        if (trailers.Length > limit)
        {
            throw new AnswerTooLargeException(limit);
        }

        var fields = new ResponseHead();
        fields.ReadTrailers(trailers);
        foreach (ref readonly var field in fields.Fields)
        {
            if (!NoTrailers.Contains(field.Name))
            {
                HasTrailers = true;
                response.TrailingHeaders.TryAddWithoutValidation(field.Name, field.Value);
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var from = _connection!;
        using var registration = cancellationToken.CanBeCanceled && cancellationToken != from.Token
            ? cancellationToken.UnsafeRegister(static body => ((ResponseBody)body!)._connection?.Dispose(), this)
            : default;
        try
        {
            while (true)
            {
                // Past this proxy's own buffer where there is nothing to be read over.
                var wanted = isChunked ? _chunks.Left : _left;
                int count;
                if (wanted > 0)
                {
                    var target = buffer[..(int)Math.Min(buffer.Length, wanted)];
                    count = await from.ReceiveAsync(target);
                    if (target.IsEmpty)
                    {
                        return 0; // there is something now, were it the end
                    }

                    if (count > 0)
                    {
                        Took(count, from);
                        return count;
                    }
                }
                else
                {
                    if (buffer.IsEmpty)
                    {
                        // A stream between two chunks may lie idle for long, and needs no memory for it.
                        from.ReleaseBuffer();
                        await from.ReceiveAsync(buffer);
                    }

                    count = await from.ReceiveAsync();
                }

                if (count == 0)
                {
                    return AtEndOfConnection(from);
                }

                if (TryTake(buffer.Span, out count))
                {
                    return count;
                }
            }
        }
        catch (Exception error)
        {
            Abandon();
            var ended = cancellationToken.IsCancellationRequested ? cancellationToken : from.Token;
            if (ended.IsCancellationRequested)
            {
                throw new OperationCanceledException("The exchange was ended.", error, ended);
            }

            throw;
        }
    }

    private int AtEndOfConnection(Http1Connection from)
    {
        // A connection that we have shut down reads as one that has come to its end.
        if (!_untilClosed || from.IsClosed)
        {
            throw new HttpIOException(HttpRequestError.ResponseEnded, "The connection ended in the body of the response.");
        }

        End();
        return 0;
    }

    // The rest of a body that nobody wants, where it is here already: then the connection may stay.
    private void Drain()
    {
        try
        {
            Span<byte> nowhere = stackalloc byte[512];
            while (!_isOver && _connection is { Received.IsEmpty: false })
            {
                if (!TryTake(nowhere, out _))
                {
                    return;
                }
            }
        }
        catch (IOException)
        {
            // It is no body: the connection goes, as it does where the rest is not here.
        }
    }

    private void End()
    {
        _isOver = true;
        if (_connection!.ResponseEnded())
        {
            _connection = null;
        }
    }

    private void Abandon()
    {
        _connection?.Abandon();
        _connection = null;
    }
}
