using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ResilientProxy.ProtocolTests.Http2;

/// <summary>What came on one stream.</summary>
internal sealed class Http2Stream
{
    /// <summary>The fields of the response's head, and of its trailers.</summary>
    public List<KeyValuePair<string, string>> Fields { get; } = [];

    /// <summary>The body so far.</summary>
    public string Body { get; set; } = "";

    /// <summary>Whether it ended as complete.</summary>
    public bool IsWhole { get; set; }

    /// <summary>The code it was reset with; null where it was not.</summary>
    public uint? Reset { get; set; }

    /// <summary>The status; 0 for none.</summary>
    public int Status => Fields.LastOrDefault(entry => entry.Key == ":status") is { Value.Length: 3 } status ? int.Parse(status.Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
}

/// <summary>An HTTP/2 client in clear text (RFC 9113) that sends the frames it is told, whatever they are.</summary>
internal sealed class Http2Wire : IDisposable
{
    public const byte Data = 0, Headers = 1, Priority = 2, ResetStream = 3, Settings = 4, PushPromise = 5, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, Ack = 1, EndHeaders = 4, Padded = 8, WithPriority = 32;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(7);
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _bound = new(Bound);
    private readonly Dictionary<int, Http2Stream> _streams = [];
    private readonly List<byte> _read = [];

    private Http2Wire()
    {
    }

    /// <summary>The code the connection was given up with; null where it was not.</summary>
    public uint? GoneAway { get; private set; }

    /// <summary>Whether the server ended the connection.</summary>
    public bool Closed { get; private set; }

    /// <summary>Connects.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="preface">What is sent first; the right preface with settings of no header table where nothing is said.</param>
    public static async Task<Http2Wire> ConnectAsync(IPEndPoint server, string? preface = null)
    {
        var wire = new Http2Wire();
        await wire._socket.ConnectAsync(server, wire._bound.Token);
        await wire.SendBytesAsync(Encoding.Latin1.GetBytes(preface ?? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        if (preface is null)
        {
            await wire.SendAsync(Settings, 0, 0, [0, 1, 0, 0, 0, 0]);
        }

        return wire;
    }

    /// <summary>A frame's bytes.</summary>
    /// <param name="type">The type.</param>
    /// <param name="flags">The flags.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="payload">The payload.</param>
    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)payload.Length);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>Sends a frame.</summary>
    /// <param name="type">The type.</param>
    /// <param name="flags">The flags.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="payload">The payload.</param>
    /// <returns>False where the server has closed the connection.</returns>
    public Task<bool> SendAsync(byte type, byte flags, int stream, byte[] payload) => SendBytesAsync(Frame(type, flags, stream, payload));

    /// <summary>Sends a header block in one frame.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="fields">The fields.</param>
    /// <param name="end">Whether no body follows.</param>
    public Task<bool> SendHeadersAsync(int stream, IEnumerable<(string Name, string Value)> fields, bool end = true) =>
        SendAsync(Headers, (byte)(EndHeaders | (end ? EndStream : 0)), stream, Hpack.Write(fields));

    /// <summary>Sends a part of a body.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="text">Each character is a byte.</param>
    /// <param name="end">Whether it is the last one.</param>
    public Task<bool> SendDataAsync(int stream, string text, bool end = true) =>
        SendAsync(Data, end ? EndStream : (byte)0, stream, Encoding.Latin1.GetBytes(text));

    /// <summary>Sends bytes as they are.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>False where the server has closed the connection.</returns>
    public async Task<bool> SendBytesAsync(byte[] bytes)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await _socket.SendAsync(bytes.AsMemory(sent), _bound.Token);
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Reads until a stream has ended one way or the other, or the connection has.</summary>
    /// <param name="stream">The stream.</param>
    /// <exception cref="TimeoutException">Nothing of that came in time.</exception>
    public async Task<Http2Stream> ReadAsync(int stream)
    {
        var state = StateOf(stream);
        while (!state.IsWhole && state.Reset is null && await NextAsync())
        {
        }

        return state;
    }

    /// <summary>Reads until the server has said that the connection takes no further stream, or has ended it.</summary>
    /// <exception cref="TimeoutException">It did neither in time.</exception>
    public async Task UntilGoneAwayAsync()
    {
        while (GoneAway is null && await NextAsync())
        {
        }
    }

    /// <summary>Reads until the server has ended the connection.</summary>
    /// <exception cref="TimeoutException">It did not in time.</exception>
    public async Task UntilClosedAsync()
    {
        while (await NextAsync())
        {
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _bound.Dispose();
    }

    private Http2Stream StateOf(int stream)
    {
        if (!_streams.TryGetValue(stream, out var state))
        {
            _streams[stream] = state = new();
        }

        return state;
    }

    // One frame; false at the connection's end.
    private async Task<bool> NextAsync()
    {
        while (_read.Count < 9 || _read.Count < 9 + Length())
        {
            if (Closed || !await MoreAsync())
            {
                Closed = true;
                return false;
            }
        }

        var frame = _read.Take(9 + Length()).ToArray();
        _read.RemoveRange(0, frame.Length);
        var (type, flags, payload) = (frame[3], frame[4], frame.AsMemory(9));
        var stream = StateOf(BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(5)));
        switch (type)
        {
            case Headers:
                stream.Fields.AddRange(Hpack.Read(payload.Span));
                break;
            case Data:
                stream.Body += Encoding.Latin1.GetString(payload.Span);
                break;
            case ResetStream:
                stream.Reset = BinaryPrimitives.ReadUInt32BigEndian(payload.Span);
                break;
            case GoAway:
                GoneAway = BinaryPrimitives.ReadUInt32BigEndian(payload.Span[4..]);
                break;
            case Settings or Ping when (flags & Ack) == 0:
                await SendAsync(type, Ack, 0, type == Ping ? payload.ToArray() : []);
                break;
        }

        stream.IsWhole |= type is Headers or Data && (flags & EndStream) != 0;
        return true;
    }

    private int Length() => (_read[0] << 16) | (_read[1] << 8) | _read[2];

    private async Task<bool> MoreAsync()
    {
        var buffer = new byte[16384];
        try
        {
            var count = await _socket.ReceiveAsync(buffer, _bound.Token);
            _read.AddRange(buffer.AsSpan(0, count));
            return count > 0;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Within {Bound.TotalSeconds} s neither the stream nor the connection ended.");
        }
    }
}
