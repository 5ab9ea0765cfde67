using System.Net.Sockets;
using ResilientProxy.Values;

namespace ResilientProxy.Http1;

/// <summary>Sends a request's body, behind its head, while its response may already be on the way.</summary>
/// <remarks>
/// Its task is the connection's: it ends with the body, or soon after the connection is closed. A socket that takes no more is no error here,
/// for an answer may have come in before it broke: what is received decides. A body that cannot be read is one, and closes the connection, so that
/// the upstream does not take a part for the whole.
/// </remarks>
internal sealed class RequestBodySender : AsyncStream
{
    // Pieces are gathered up to here, and until the body has none at hand: a client's come in segments of a few KiB.
    private const int MostGathered = 32 * 1024;

    private readonly Http1Connection _connection;
    private readonly HttpContent _content;
    private readonly long? _length;
    private TaskCompletionSource<bool>? _asked;
    private Task _sending = Task.CompletedTask;
    private long _written;
    private bool _socketBroke;
    private volatile bool _isSent;
    private volatile Exception? _error;

    /// <summary>Sends nothing yet.</summary>
    /// <param name="connection">Where to.</param>
    /// <param name="content">The body.</param>
    /// <param name="length">Its length; null for chunks.</param>
    public RequestBodySender(Http1Connection connection, HttpContent content, long? length)
    {
        _connection = connection;
        _content = content;
        _length = length;
    }

    /// <summary>Whether nothing is being sent any more.</summary>
    public bool IsDone => _sending.IsCompleted;

    /// <summary>Whether the whole request has been sent.</summary>
    public bool IsSent => _isSent;

    /// <summary>Why the body could not be read or was not what its length says; null where it could, or where the connection broke.</summary>
    public Exception? Error => _error;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <summary>Begins to send.</summary>
    /// <param name="expects">Whether the head, which waits to be sent, asks to be asked for the body.</param>
    public void Start(bool expects)
    {
        if (expects)
        {
            _asked = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _sending = SendAsync();
    }

    /// <summary>The upstream asks for the body, or will not say.</summary>
    public void GoOn() => _asked?.TrySetResult(true);

    /// <summary>A body that waits to be asked for is not sent.</summary>
    public void GiveUp() => _asked?.TrySetResult(false);

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return; // an empty chunk would end the body
        }

        _written += buffer.Length;
        if (_length is { } length && _written > length)
        {
            throw new HttpRequestException("The request's body is longer than its Content-Length.");
        }

        var output = _connection.Out;
        if (_length is null)
        {
            output.Write(buffer.Length, hexadecimal: true);
            output.Write("\r\n"u8);
        }

        if (output.Length + buffer.Length > MostGathered)
        {
            await OnSocketAsync(_connection.FlushAsync());
        }

        if (buffer.Length > MostGathered)
        {
            await OnSocketAsync(_connection.SendAsync(buffer));
        }
        else
        {
            output.Write(buffer.Span);
        }

        if (_length is null)
        {
            output.Write("\r\n"u8);
        }
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        OnSocketAsync(_connection.FlushAsync()).AsTask();

    private async Task SendAsync()
    {
        try
        {
            if (_asked is not null && !await IsAskedForAsync())
            {
                return;
            }

            if (_length != 0)
            {
                await _content.CopyToAsync(this, null, _connection.Token);
            }

            if (_length is null)
            {
                _connection.Out.Write("0\r\n\r\n"u8);
            }
            else if (_written < _length)
            {
                throw new HttpRequestException("The request's body is shorter than its Content-Length.");
            }

            await OnSocketAsync(_connection.FlushAsync());
            _isSent = true;
        }
        catch (Exception error)
        {
            if (!_socketBroke)
            {
                _error = error;
                _connection.Dispose();
            }
        }
    }

    private async Task<bool> IsAskedForAsync()
    {
        await OnSocketAsync(_connection.FlushAsync());
        await using var timer = _connection.Time.CreateTimer(static sender => ((RequestBodySender)sender!).GoOn(), this, _connection.ContinueTimeout, Timeout.InfiniteTimeSpan);
        return await _asked!.Task;
    }

    private ValueTask OnSocketAsync(ValueTask operation) => operation.IsCompletedSuccessfully ? operation : OnSocketSlowAsync(operation);

    private async ValueTask OnSocketSlowAsync(ValueTask operation)
    {
        try
        {
            await operation;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            _socketBroke = true;
            throw new IOException("The connection to the upstream broke.", error);
        }
    }
}
