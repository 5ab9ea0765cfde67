using System.Net.Sockets;

namespace ResilientProxy.Values;

/// <summary>Tells what this machine has too little of from what somebody else did.</summary>
internal static class Exhaustion
{
    /// <summary>Whether a socket cannot be had for want of file descriptors or memory here: nobody else is to blame, and waiting helps.</summary>
    /// <param name="error">The error.</param>
    public static bool Is(SocketError error) => error is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable;
}
