using System.Net;
using System.Net.Sockets;

namespace ResilientProxy.TestSupport;

/// <summary>A port whose queue of connections is full: a further one is neither accepted nor refused.</summary>
public sealed class FullListener : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _waiting = [];

    /// <summary>Opens the port and fills its queue.</summary>
    public FullListener()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
        for (var i = 0; i < 4; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            try
            {
                socket.Connect(_listener.LocalEndPoint!);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // On its way, or waiting for ever: both are wanted.
            }

            _waiting.Add(socket);
        }
    }

    /// <summary>Its address, with a slash at the end.</summary>
    public string Url => $"http://{_listener.LocalEndPoint}/";

    /// <inheritdoc/>
    public void Dispose()
    {
        _waiting.ForEach(socket => socket.Dispose());
        _listener.Dispose();
    }
}
