using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace ResilientProxy.Http1;

/// <summary>A connection and the exchange it carries, one at a time.</summary>
/// <remarks>
/// While it lies idle a receive waits on it: a connection the other side has closed, or says something on unasked, is known before it is used
/// again. An exchange that is given up closes the socket, which ends whatever waits on it; no operation has a timer or a token of its own.
/// </remarks>
internal sealed class Http1Connection : IDisposable
{
    private const int BufferSize = 4 * 1024;

    // RFC 9110 section 15.2 bounds them nowhere; nobody needs as many.
    private const int MostInterimAnswers = 64;

    private readonly Socket _socket;
    private readonly ConnectionPool _pool;
    private readonly long _opened;
    private readonly TimeSpan _lifetime;
    private readonly ResponseHead _head = new();
    private byte[] _buffer = new byte[BufferSize]; // never lent: after a close an operation may still hold it for a moment
    private int _start;
    private int _end;
    private ValueTask<int> _ahead;
    private bool _isAhead;
    private long _idleSince;
    private int _exchanges;
    private int _closed;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;
    private RequestBodySender? _sender;
    private bool _mayStay;
    private bool _sendBroke;

    /// <summary>Begins with an open socket.</summary>
    /// <param name="socket">The socket; it is the connection's from now on.</param>
    /// <param name="pool">Where it goes back to.</param>
    /// <param name="now">When it was opened, on the pool's clock.</param>
    public Http1Connection(Socket socket, ConnectionPool pool, long now)
    {
        _socket = socket;
        _pool = pool;
        _opened = now;
        _lifetime = pool.Settings.Lifetime * (0.9 + (0.2 * Random.Shared.NextDouble()));
    }

    /// <summary>What has come in and was not taken yet.</summary>
    public ReadOnlySpan<byte> Received => _buffer.AsSpan(_start, _end - _start);

    /// <summary>What waits to be sent.</summary>
    public OutBuffer Out { get; } = new();

    /// <summary>Most bytes of a head, and of trailers.</summary>
    public int MaxHeadBytes => _pool.Settings.MaxHeadBytes;

    /// <summary>The clock.</summary>
    public TimeProvider Time => _pool.Time;

    /// <summary>How long a body is held back for an upstream that does not ask for it.</summary>
    public TimeSpan ContinueTimeout => _pool.Settings.ContinueTimeout;

    /// <summary>Whether this side has ended it: what is received from then on is no word of the other side's.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>Cancelled when the exchange has to end.</summary>
    public CancellationToken Token => _token;

    /// <summary>Whether it can take a request: neither too old, nor idle for too long, nor spoken on or closed by the other side.</summary>
    /// <param name="now">Now, on the pool's clock.</param>
    public bool IsUsable(long now) =>
        _closed == 0 && !_ahead.IsCompleted && !IsOld(now) && _pool.Time.GetElapsedTime(_idleSince, now) < _pool.Settings.IdleTimeout;

    /// <summary>Lies down between two exchanges; false where it cannot have another one.</summary>
    /// <param name="now">Now, on the pool's clock.</param>
    public bool TryRest(long now)
    {
        if (_closed != 0 || IsOld(now))
        {
            return false;
        }

        if (_buffer.Length != BufferSize)
        {
            _buffer = new byte[BufferSize];
        }

        Out.Release();
        _head.Trim();
        _sender = null;
        _start = _end = 0;
        _idleSince = now;
        try
        {
            Keep(_socket.ReceiveAsync(_buffer.AsMemory(), SocketFlags.None));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false;
        }

        return !_ahead.IsCompleted; // closed by now, or bytes nobody asked for
    }

    /// <summary>Ends it, and whatever waits on it; a second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            try
            {
                _socket.Shutdown(SocketShutdown.Both); // else .NET resets a connection on which a receive still waits
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // The other side was faster.
            }

            _socket.Dispose();
            _pool.Closed();
            Http1Metrics.Closed(_pool, _pool.Time.GetElapsedTime(_opened));
        }
    }

    /// <summary>Sends a request and reads its response's head.</summary>
    /// <param name="message">The request.</param>
    /// <param name="token">Ends the exchange.</param>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken token)
    {
        _exchanges++;
        _token = token;
        _registration = token.UnsafeRegister(static connection => ((Http1Connection)connection!).Dispose(), this);
        try
        {
            var (length, expects) = WriteHead(message);
            if (message.Content is { } content)
            {
                // The upstream may answer before it has the whole body: it is sent on a flow of its own, which ends with the connection.
                _sender = new RequestBodySender(this, content, length);
                _sender.Start(expects);
            }
            else
            {
                await FlushHeadAsync();
            }

            await ReadHeadAsync();
            return Answer(message);
        }
        catch (Exception error)
        {
            var bodyError = _sender?.Error;
            Dispose();
            _sender?.GiveUp();
            _registration.Unregister();
            if (token.IsCancellationRequested)
            {
                throw new OperationCanceledException("The exchange was ended.", error, token);
            }

            if (bodyError is not null)
            {
                throw new HttpRequestException("The request's body could not be sent.", bodyError);
            }

            throw;
        }
    }

    /// <summary>Sends what waits to be sent.</summary>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public ValueTask FlushAsync() => Out.IsEmpty ? ValueTask.CompletedTask : FlushedAsync();

    /// <summary>Sends bytes as they are.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None)..];
        }
    }

    /// <summary>Takes bytes of what was received.</summary>
    /// <param name="count">How many.</param>
    public void Take(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
        }
    }

    /// <summary>Lets go of the memory for what is received, where there is nothing in it: it is made anew when it is needed.</summary>
    public void ReleaseBuffer()
    {
        if (_start == _end && !_isAhead)
        {
            _buffer = [];
        }
    }

    /// <summary>Receives more behind what there is.</summary>
    /// <returns>How many bytes; 0 where the other side has ended the connection.</returns>
    /// <exception cref="IOException">The connection is broken.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync()
    {
        MakeRoom();
        try
        {
            var receiving = _isAhead ? _ahead : _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None);
            _isAhead = false;
            _ahead = default;
            var count = await receiving;
            _end += count;
            return count;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            throw new IOException("The connection to the upstream broke.", error);
        }
    }

    /// <summary>Receives into memory of the caller's; of no bytes: waits until there are some.</summary>
    /// <param name="target">Where to; nothing that was received before may be waiting.</param>
    /// <returns>How many bytes; 0 where the other side has ended the connection.</returns>
    /// <exception cref="IOException">The connection is broken.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync(Memory<byte> target)
    {
        try
        {
            return await _socket.ReceiveAsync(target, SocketFlags.None);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            throw new IOException("The connection to the upstream broke.", error);
        }
    }

    /// <summary>The response has been read to its end.</summary>
    /// <returns>Whether the connection has been dealt with; false where the request is still being sent.</returns>
    public bool ResponseEnded()
    {
        if (_sender is { IsDone: false })
        {
            return false;
        }

        // Bytes beyond the response are nobody's: RFC 9112 section 9.2.
        if (_mayStay && !_sendBroke && _sender is null or { IsSent: true } && _start == _end && (!_token.CanBeCanceled || _registration.Unregister()))
        {
            _pool.Return(this);
        }
        else
        {
            Abandon();
        }

        return true;
    }

    /// <summary>The exchange is given up.</summary>
    public void Abandon()
    {
        Dispose();
        _sender?.GiveUp();
        _registration.Unregister();
    }

    private (long? Length, bool Expects) WriteHead(HttpRequestMessage message)
    {
        if (message is PlainRequest plain && plain.TryTakeHead(out var head))
        {
            Out.Adopt(head);
            return (plain.ContentLength, plain.Expects);
        }

        var length = message.Content is { } content ? content.Headers.ContentLength : 0;
        return (length, RequestHead.Write(Out, message, length));
    }

    // A request that cannot be written whole may have been answered all the same: what is to be read decides.
    private async ValueTask FlushHeadAsync()
    {
        try
        {
            await FlushAsync();
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            _sendBroke = true;
        }
    }

    private async ValueTask FlushedAsync()
    {
        await SendAsync(Out.Written);
        Out.Clear();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadHeadAsync()
    {
        for (var interim = 0; ; interim++)
        {
            var scanner = new LineScanner();
            int length;
            while (!scanner.TryFindEnd(Received, out length))
            {
                if (!ResponseHead.MayBegin(Received))
                {
                    throw new MalformedAnswerException("it does not begin as one");
                }

                if (_end - _start >= MaxHeadBytes)
                {
                    throw new AnswerTooLargeException(MaxHeadBytes);
                }

                await ReceiveHeadAsync(isFirst: interim == 0 && _start == _end);
            }

            if (length > MaxHeadBytes)
            {
                throw new AnswerTooLargeException(MaxHeadBytes);
            }

            _head.Read(Received[..length]);
            Take(length);
            if (_head.Status >= 200 || _head.Status == (int)HttpStatusCode.SwitchingProtocols)
            {
                return;
            }

            if (interim == MostInterimAnswers)
            {
                throw new MalformedAnswerException("it never comes to its final answer");
            }

            if (_head.Status == (int)HttpStatusCode.Continue)
            {
                _sender?.GoOn();
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReceiveHeadAsync(bool isFirst)
    {
        int count;
        try
        {
            count = await ReceiveAsync();
        }
        catch (IOException error) when (isFirst)
        {
            throw new UpstreamClosedException(_exchanges > 1, error.InnerException);
        }

        if (count == 0)
        {
            throw isFirst
                ? new UpstreamClosedException(_exchanges > 1)
                : new HttpIOException(HttpRequestError.ResponseEnded, "The upstream closed the connection in the head of its response.");
        }
    }

    private HttpResponseMessage Answer(HttpRequestMessage message)
    {
        var status = _head.Status;
        var response = new HttpResponseMessage((HttpStatusCode)status)
        {
            RequestMessage = message,
            Version = _head.IsHttp10 ? HttpVersion.Version10 : HttpVersion.Version11,
            ReasonPhrase = _head.Reason,
        };

        // RFC 9112 section 6.3.
        var length = _head.IsChunked ? null : _head.ContentLength;
        var hasNoBody = status is 204 or 304 || message.Method == HttpMethod.Head;
        _mayStay = (hasNoBody || _head.IsChunked || length is not null) // else it ends with its connection
            && _head.KeepsConnection
            && (status != 204 || (length is null or 0 && !_head.IsChunked)); // a body may follow that nobody expects
        if (status == (int)HttpStatusCode.SwitchingProtocols)
        {
            response.Content = new UpgradedContent(new UpgradedStream(this)); // it ends with whoever wanted it
            AddFields(response, status);
            return response;
        }

        var body = new ResponseBody(this, response, hasNoBody ? 0 : length, !hasNoBody && _head.IsChunked);
        var content = new ResponseContent(body);
        response.Content = content;
        if (message is PlainRequest && status is >= 200 and < 400 and not (204 or 205) && !_head.SpeaksToGateways && !(_head.IsChunked && _head.ContentLength is not null))
        {
            content.Fields = _head.Fields.ToArray();
        }
        else
        {
            AddFields(response, status);
        }

        // A refusal ends a body that waits to be asked for; any other answer may come from somebody who still reads it.
        if (status < 300)
        {
            _sender?.GoOn();
        }
        else
        {
            _sender?.GiveUp();
        }

        body.Begin();
        return response;
    }

    private void AddFields(HttpResponseMessage response, int status)
    {
        foreach (ref readonly var field in _head.Fields)
        {
            if (field.Kind == ResponseHead.FieldKind.ContentLength && (_head.IsChunked || status is 204 or 205))
            {
                continue; // it does not count, and must not go on: RFC 9112 section 6.3, RFC 9110 sections 8.6 and 15.3.6
            }

            if (!response.Headers.TryAddWithoutValidation(field.Name, field.Value))
            {
                response.Content.Headers.TryAddWithoutValidation(field.Name, field.Value);
            }
        }

        if (status == 205)
        {
            response.Content.Headers.TryAddWithoutValidation("Content-Length", "0"); // RFC 9110 section 15.3.6: it has no content, and says so
        }
    }

    // Awaited once, by the next exchange; or never, where the connection is closed before.
    private void Keep(ValueTask<int> receiving)
    {
        _ahead = receiving;
        _isAhead = true;
    }

    private bool IsOld(long now) => _pool.Time.GetElapsedTime(_opened, now) >= _lifetime;

    private void MakeRoom()
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        var count = _end - _start;
        var isTooSmall = _buffer.Length == 0 || count > _buffer.Length / 2;
        var target = isTooSmall ? new byte[Math.Max(BufferSize, 2 * _buffer.Length)] : _buffer;
        _buffer.AsSpan(_start, count).CopyTo(target);
        _buffer = target;
        _start = 0;
        _end = count;
    }
}
