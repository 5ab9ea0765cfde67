using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>A client that sends bytes as they are and reads what comes back strictly.</summary>
internal sealed class WireClient : IDisposable
{
    /// <summary>How long an exchange may take where nothing else is said.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(7);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _bound;
    private string _text = "";

    private WireClient(TimeSpan bound) => _bound = new(bound);

    /// <summary>Whether the server ended the connection, in order or by a reset.</summary>
    public bool Closed { get; private set; }

    /// <summary>Whether that was a reset.</summary>
    public bool WasReset { get; private set; }

    /// <summary>Bytes that came and belong to no response yet.</summary>
    public string Rest => _text;

    /// <summary>Connects.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="bound">How long everything on this connection may take; <see cref="Bound"/> where nothing is said.</param>
    /// <param name="from">This side's address; any where nothing is said.</param>
    public static async Task<WireClient> ConnectAsync(IPEndPoint server, TimeSpan? bound = null, IPAddress? from = null)
    {
        var client = new WireClient(bound ?? Bound);
        if (from is not null)
        {
            client._socket.Bind(new IPEndPoint(from, 0));
        }

        await client._socket.ConnectAsync(server, client._bound.Token);
        return client;
    }

    /// <summary>Sends bytes; a server that closed meanwhile is seen when reading.</summary>
    /// <param name="text">Each character is a byte.</param>
    public async Task SendAsync(string text)
    {
        try
        {
            var bytes = Encoding.Latin1.GetBytes(text);
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await _socket.SendAsync(bytes.AsMemory(sent), _bound.Token);
            }
        }
        catch (SocketException)
        {
            // It refused and closed while more was on its way.
        }
    }

    /// <summary>Ends this side of the connection.</summary>
    public void HalfClose()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server was faster.
        }
    }

    /// <summary>Reads the next response, interim ones too.</summary>
    /// <param name="toHead">Whether it answers a HEAD.</param>
    /// <returns>What there is of it; null where the connection ended without one.</returns>
    /// <exception cref="TimeoutException">Neither an end of the response nor of the connection came in time.</exception>
    public async Task<WireResponse?> ReadAsync(bool toHead)
    {
        while (true)
        {
            var response = WireResponse.Read(_text, toHead, Closed && !WasReset, out var consumed);
            if (Closed || response is { IsWhole: true } or { Flaw: not null })
            {
                _text = _text[consumed..];
                return response;
            }

            await MoreAsync();
        }
    }

    /// <summary>Reads until the server ends the connection.</summary>
    /// <exception cref="TimeoutException">It did not in time.</exception>
    public async Task UntilClosedAsync()
    {
        while (!Closed)
        {
            await MoreAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _bound.Dispose();
    }

    private async Task MoreAsync()
    {
        var buffer = new byte[16384];
        try
        {
            var count = await _socket.ReceiveAsync(buffer, _bound.Token);
            Closed = count == 0;
            _text += Encoding.Latin1.GetString(buffer, 0, count);
        }
        catch (SocketException)
        {
            Closed = WasReset = true;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Neither the response nor the connection ended in time; so far: '{_text}'.");
        }
    }
}
