using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using ResilientProxy.Values;

namespace ResilientProxy.Hosting;

/// <summary>Accepts connections; out of file descriptors or of memory for them it says so once, waits, and goes on by itself.</summary>
/// <param name="socket">A listening socket.</param>
/// <param name="connections">Makes connections of what is accepted.</param>
/// <param name="noDelay">Whether small writes go out at once.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class PatientListener(Socket socket, SocketConnectionContextFactory connections, bool noDelay, TimeProvider time, ILogger<PatientListener> logger) : IConnectionListener
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
            Socket? accepted = null;
            try
            {
                accepted = await socket.AcceptAsync(cancellationToken);
                if (accepted.LocalEndPoint is IPEndPoint)
                {
                    accepted.NoDelay = noDelay;
                }

                Recovered();
                return connections.Create(accepted);
            }
            catch (ObjectDisposedException)
            {
                return null; // unbound
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.OperationAborted)
            {
                return null; // unbound meanwhile
            }
            catch (SocketException error) when (Exhaustion.Is(error.SocketErrorCode))
            {
                accepted?.Dispose();
                Exhausted(error);
            }
            catch (SocketException)
            {
                accepted?.Dispose();
                continue; // whoever it was has left again: the next one
            }

            try
            {
                await Task.Delay(Pause, time, _unbound.Token);
            }
            catch (OperationCanceledException)
            {
                return null; // unbound meanwhile
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

    private void Exhausted(SocketException error)
    {
        _lastFailure = time.GetTimestamp();
        if (!_isExhausted)
        {
            _isExhausted = true;
            Log.Exhausted(logger, EndPoint, error.Message);
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
