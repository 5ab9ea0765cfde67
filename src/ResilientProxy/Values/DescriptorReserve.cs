using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ResilientProxy.Values;

/// <summary>Who asks for a file descriptor.</summary>
internal enum DescriptorUse
{
    /// <summary>A client's connection: it stops first, because each may want a connection to an upstream as well.</summary>
    Traffic,

    /// <summary>What the proxy opens by itself for those it has, or for its operator: connections to upstreams, health checks, the admin listener.</summary>
    Own,
}

/// <summary>The last file descriptors under the process's limit, which no connection may have.</summary>
/// <remarks>
/// With none left nothing works that needs a file for a moment (a name to look up, a config to read, a log to turn over), and the .NET runtime
/// itself may end the process. A descriptor is the lowest number that is free, so that the number of a new one tells how many there are.
/// </remarks>
internal static class DescriptorReserve
{
    private const int MostKept = 64;

    // Of a small limit, a part.
    private const int Share = 8;

    /// <summary>How many are kept from somebody.</summary>
    /// <param name="use">From whom.</param>
    /// <param name="limit">The process's limit.</param>
    public static int KeptFrom(DescriptorUse use, long limit) => (int)Math.Min(MostKept, limit / Share) / (use == DescriptorUse.Traffic ? 1 : 2);

    /// <summary>Whether a new socket is one of those that are kept: it must be closed again, or wait.</summary>
    /// <remarks>
    /// It is looked at through its handle, which .NET takes note of: a socket whose handle was seen cannot connect to the second address of a name when
    /// the first one failed. So this is for sockets that are connected, or that never will be.
    /// </remarks>
    /// <param name="socket">The socket.</param>
    /// <param name="use">What it is for.</param>
    public static bool Holds(Socket socket, DescriptorUse use) => Limit() is { } limit && socket.Handle >= limit - KeptFrom(use, limit);

    /// <summary>Whether there is one more for somebody.</summary>
    /// <param name="use">What it is for.</param>
    /// <exception cref="SocketException">There is none at all: <see cref="SocketError.TooManyOpenSockets"/>.</exception>
    public static bool HasRoom(DescriptorUse use)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp); // gets the number the next one would
        return !Holds(probe, use);
    }

    /// <summary>Asked before a connection of our own is opened.</summary>
    /// <exception cref="SocketException">There is no descriptor for it: <see cref="SocketError.TooManyOpenSockets"/>.</exception>
    public static void ThrowIfTouched()
    {
        if (!HasRoom(DescriptorUse.Own))
        {
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        }
    }

    // Asked each time: it is one short system call, and an operator may change it under a running process (prlimit).
    private static long? Limit()
    {
        var resource = OperatingSystem.IsLinux() ? 7 : OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD() ? 8 : -1; // RLIMIT_NOFILE
        return resource >= 0 && GetLimit(resource, out var limit) == 0 ? (long)Math.Min(limit.Current, int.MaxValue) : null;
    }

    [DllImport("libc", EntryPoint = "getrlimit")]
    private static extern int GetLimit(int resource, out ResourceLimit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly nuint Current;
        public readonly nuint Most;
    }
}
