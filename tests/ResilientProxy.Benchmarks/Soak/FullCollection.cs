using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>Asks another .NET process for a full garbage collection, as memory profilers do: what is still held after it is held on purpose, or leaked.</summary>
/// <remarks>
/// The runtime's diagnostics protocol, over the socket every .NET process opens in the folder for temporary files: a trace session whose provider
/// has the keyword "collect the heap" begins with a full collection. The session is stopped at once.
/// </remarks>
internal static class FullCollection
{
    private const ulong HeapCollect = 0x800000;
    private const uint Informational = 4;
    private const byte EventPipe = 2;
    private const byte StopTracing = 1;
    private const byte CollectTracing = 2;
    private const int HeaderBytes = 20;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    /// <summary>Has it done.</summary>
    /// <param name="process">The process's id.</param>
    /// <returns>False where the process offers no diagnostics, or is too busy for them.</returns>
    public static async Task<bool> AskAsync(int process)
    {
        try
        {
            return await AskInTimeAsync(process);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> AskInTimeAsync(int process)
    {
        if (Directory.EnumerateFiles(Path.GetTempPath(), $"dotnet-diagnostic-{process}-*-socket").FirstOrDefault() is not { } path)
        {
            return false;
        }

        using var bound = new CancellationTokenSource(Bound);
        await using var session = await SendAsync(path, CollectTracing, SessionOfOneKeyword(), bound.Token);
        var id = await ReadAnswerAsync(session, bound.Token);
        await using (var stop = await SendAsync(path, StopTracing, id, bound.Token))
        {
            // The session's stream has to be read to its end: the process writes what it has until somebody took it.
            await session.CopyToAsync(Stream.Null, bound.Token);
            await ReadAnswerAsync(stop, bound.Token);
        }

        return true;
    }

    private static byte[] SessionOfOneKeyword()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(1u); // MiB of buffer
        writer.Write(1u); // the format: nettrace
        writer.Write(1u); // providers
        writer.Write(HeapCollect);
        writer.Write(Informational);
        Write("Microsoft-Windows-DotNETRuntime");
        writer.Write(0u); // no filter
        return bytes.ToArray();

        void Write(string text)
        {
            writer.Write((uint)text.Length + 1);
            writer.Write(Encoding.Unicode.GetBytes(text + '\0'));
        }
    }

    private static async Task<NetworkStream> SendAsync(string path, byte command, byte[] payload, CancellationToken end)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), end);
        var stream = new NetworkStream(socket, ownsSocket: true);
        var message = new byte[HeaderBytes + payload.Length];
        "DOTNET_IPC_V1\0"u8.CopyTo(message);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), (ushort)message.Length);
        (message[16], message[17]) = (EventPipe, command);
        payload.CopyTo(message, HeaderBytes);
        await stream.WriteAsync(message, end);
        return stream;
    }

    private static async Task<byte[]> ReadAnswerAsync(NetworkStream stream, CancellationToken end)
    {
        var answer = new byte[HeaderBytes + sizeof(ulong)];
        await stream.ReadExactlyAsync(answer, end);
        return answer[HeaderBytes..];
    }
}
