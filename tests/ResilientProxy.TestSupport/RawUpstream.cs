using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ResilientProxy.TestSupport;

/// <summary>An upstream that misbehaves: a TCP listener whose script sees each connection byte by byte.</summary>
public sealed class RawUpstream : IAsyncDisposable
{
    private static readonly ConcurrentBag<Socket> Dead = [];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Func<RawConnection, Task> _script;
    private readonly Task _accepting;
    private int _accepted;

    /// <summary>Starts one.</summary>
    /// <param name="script">What it does with a connection; the connection is closed when it returns.</param>
    public RawUpstream(Func<RawConnection, Task> script)
    {
        _script = script;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Its address, with a slash at the end.</summary>
    public string Url => $"http://{_listener.LocalEndpoint}/";

    /// <summary>How many connections came.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>The address of a port nobody listens on.</summary>
    public static string DeadUrl()
    {
        // Kept: a port that is given back may be somebody else's a moment later.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Dead.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return $"http://{socket.LocalEndPoint}/";
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_end.Token);
                running.Add(ServeAsync(socket, Interlocked.Increment(ref _accepted)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException || (error is InvalidOperationException && _end.IsCancellationRequested))
        {
            // Disposed: the test is over. A listener that was stopped between two accepts says "Not listening".
        }

        await Task.WhenAll(running);
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        using var connection = new RawConnection(socket, number, _end.Token);
        try
        {
            await _script(connection);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or SocketException)
        {
            // The other side left: what a script is there to provoke.
        }
    }
}

/// <summary>One connection of a <see cref="RawUpstream"/>.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly StringBuilder _read = new();

    internal RawConnection(Socket socket, int number, CancellationToken end)
    {
        socket.NoDelay = true;
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        Number = number;
        End = end;
    }

    /// <summary>Which one it is, from 1.</summary>
    public int Number { get; }

    /// <summary>Cancelled when the test is over.</summary>
    public CancellationToken End { get; }

    /// <summary>Reads until a request's empty line and returns its head; empty where the other side closed.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var buffer = new byte[4096];
        while (true)
        {
            var text = _read.ToString();
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                _read.Remove(0, end + 4);
                return text[..(end + 4)];
            }

            var count = await _stream.ReadAsync(buffer, End);
            if (count == 0)
            {
                return "";
            }

            _read.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
    }

    /// <summary>Reads until so many characters of body are there.</summary>
    /// <param name="count">How many.</param>
    public async Task<string> ReadBodyAsync(int count)
    {
        var buffer = new byte[65536];
        while (_read.Length < count)
        {
            var got = await _stream.ReadAsync(buffer, End);
            if (got == 0)
            {
                break;
            }

            _read.Append(Encoding.Latin1.GetString(buffer, 0, got));
        }

        var body = _read.ToString(0, Math.Min(count, _read.Length));
        _read.Remove(0, body.Length);
        return body;
    }

    /// <summary>Sends bytes as they are.</summary>
    /// <param name="text">Each character is a byte.</param>
    public ValueTask SendAsync(string text) => _stream.WriteAsync(Encoding.Latin1.GetBytes(text), End);

    /// <summary>Holds the connection open until the other side closes it or the test is over.</summary>
    public async Task UntilClosedAsync()
    {
        var buffer = new byte[4096];
        while (await _stream.ReadAsync(buffer, End) > 0)
        {
        }
    }

    /// <summary>Ends the connection by a reset instead of a close.</summary>
    public void Reset() => _socket.Close(0);

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
