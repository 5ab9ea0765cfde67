using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using ResilientProxy.Values;

namespace ResilientProxy.Hosting;

/// <summary>Accepts connections; out of file descriptors (<see cref="DescriptorReserve"/>) or of memory for them it says so once, waits, and goes on by itself.</summary>
/// <param name="socket">A listening socket.</param>
/// <param name="connections">Makes connections of what is accepted.</param>
/// <param name="noDelay">Whether small writes go out at once.</param>
/// <param name="use">Whose connections these are.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class PatientListener(Socket socket, SocketConnectionContextFactory connections, bool noDelay, DescriptorUse use, TimeProvider time, ILogger<PatientListener> logger) : IConnectionListener
{
    /// <summary>How long it waits before it tries again; those who connect meanwhile wait in the system's queue.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    // An episode is over once it has been quiet for so long: a descriptor that comes free and is taken at once makes no new one.
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _unbound = new();
    private bool _isExhausted;
    private long _lastFailure;

    /// <inheritdoc/>
    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                var accepted = await NextAsync(cancellationToken);
                Recovered();
                return connections.Create(accepted);
            }
            catch (ObjectDisposedException)
            {
                return null; // unbound
            }
            catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
            {
                return null; // unbound meanwhile
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.OperationAborted)
            {
                return null; // unbound meanwhile
            }
            catch (SocketException)
            {
                // Whoever it was has left again: the next one.
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();
        socket.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        connections.Dispose();
    }

    // One that came with one of the last descriptors is kept waiting itself: it has been taken from the system's queue already.
    private async ValueTask<Socket> NextAsync(CancellationToken cancellationToken)
    {
        Socket? accepted = null;
        try
        {
            while (true)
            {
                try
                {
                    accepted ??= await socket.AcceptAsync(cancellationToken);
                    if (!DescriptorReserve.Holds(accepted, use) || DescriptorReserve.HasRoom(use)) // what is free by now has a lower number
                    {
                        if (accepted.LocalEndPoint is IPEndPoint)
                        {
                            accepted.NoDelay = noDelay;
                        }

                        return accepted;
                    }

                    Exhausted("few file descriptors are left, and those are kept");
                }
                catch (SocketException error) when (Exhaustion.Is(error.SocketErrorCode))
                {
                    Exhausted(error.Message);
                }

                await Task.Delay(Pause, time, _unbound.Token);
            }
        }
        catch
        {
            accepted?.Dispose();
            throw;
        }
    }

    private void Exhausted(string reason)
    {
        _lastFailure = time.GetTimestamp();
        if (!_isExhausted)
        {
            _isExhausted = true;
            Log.Exhausted(logger, EndPoint, reason);
        }
    }

    private void Recovered()
    {
        if (_isExhausted && time.GetElapsedTime(_lastFailure) >= QuietTime)
        {
            _isExhausted = false;
            Log.Recovered(logger, EndPoint);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "No further connection can be accepted at {EndPoint}: {Reason}. They wait until others end; raise the limit of open files (ulimit -n, LimitNOFILE) if that happens under a load you expect.")]
        public static partial void Exhausted(ILogger logger, EndPoint endPoint, string reason);

        [LoggerMessage(LogLevel.Information, "Connections are accepted at {EndPoint} again.")]
        public static partial void Recovered(ILogger logger, EndPoint endPoint);
    }
}
