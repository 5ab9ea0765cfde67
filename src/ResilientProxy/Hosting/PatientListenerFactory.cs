using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using ResilientProxy.Values;

namespace ResilientProxy.Hosting;

/// <summary>Makes the servers' listeners: the framework's own sockets and connections, with an accept loop that waits when there is nothing to accept with.</summary>
/// <remarks>
/// The framework's own loop takes every failure of accept for a connection that was reset in the queue, and accepts again at once: out of file
/// descriptors, that is a whole core and not a word about it for as long as it lasts.
/// </remarks>
/// <param name="options">The framework's settings for sockets.</param>
/// <param name="pools">The framework's memory for connections: it gives back what it does not need, as the one a connection factory makes for itself does not.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">The log.</param>
/// <param name="use">Whose connections these are.</param>
internal sealed class PatientListenerFactory(IOptions<SocketTransportOptions> options, IMemoryPoolFactory<byte> pools, TimeProvider time, ILoggerFactory loggers, DescriptorUse use) : IConnectionListenerFactory
{
    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var transport = options.Value;
        Socket socket;
        try
        {
            socket = transport.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(error.Message, error);
        }

        socket.Listen(transport.Backlog);
        var connections = new SocketConnectionFactoryOptions
        {
            IOQueueCount = transport.IOQueueCount,
            MaxReadBufferSize = transport.MaxReadBufferSize,
            MaxWriteBufferSize = transport.MaxWriteBufferSize,
            UnsafePreferInlineScheduling = transport.UnsafePreferInlineScheduling,
            WaitForDataBeforeAllocatingBuffer = transport.WaitForDataBeforeAllocatingBuffer,
        };
        SetPools(connections, pools);
        var factory = new SocketConnectionContextFactory(connections, loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets"));
        return ValueTask.FromResult<IConnectionListener>(new PatientListener(socket, factory, transport.NoDelay, use, time, loggers.CreateLogger<PatientListener>()));
    }

    // Internal to the framework, and what its own listener does; a test notices should a later version call it otherwise.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_MemoryPoolFactory")]
    private static extern void SetPools(SocketConnectionFactoryOptions options, IMemoryPoolFactory<byte> pools);
}
