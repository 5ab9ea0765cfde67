using System.Net;
using System.Net.Sockets;
using ResilientProxy.Values;

namespace ResilientProxy.Http1;

/// <summary>The connections to one authority. The one that was used last is used first, so that what is not needed grows old and goes.</summary>
internal sealed class ConnectionPool
{
    /// <summary>How often idle connections are looked over.</summary>
    public static readonly TimeSpan CleaningInterval = TimeSpan.FromSeconds(10);

    private readonly Http1Settings _settings;
    private readonly TimeProvider _time;
    private readonly EndPoint _endPoint;
    private readonly Lock _lock = new();
    private readonly List<Http1Connection> _idle = [];
    private readonly LinkedList<TaskCompletionSource<Http1Connection?>> _waiting = new();
    private ITimer? _cleaner;
    private int _open;

    /// <summary>Opens no connection yet.</summary>
    /// <param name="host">The host: a name, or an address.</param>
    /// <param name="port">The port.</param>
    /// <param name="settings">What the connections go by.</param>
    /// <param name="time">The clock.</param>
    public ConnectionPool(string host, int port, Http1Settings settings, TimeProvider time)
    {
        Host = host;
        Port = port;
        _settings = settings;
        _time = time;
        _endPoint = IPAddress.TryParse(host.AsSpan().Trim("[]"), out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);
    }

    /// <summary>The host.</summary>
    public string Host { get; }

    /// <summary>The port.</summary>
    public int Port { get; }

    /// <summary>What the connections go by.</summary>
    public Http1Settings Settings => _settings;

    /// <summary>The clock.</summary>
    public TimeProvider Time => _time;

    /// <summary>Connections that are open or being opened, and how many of them lie idle.</summary>
    public (int Open, int Idle) Count
    {
        get
        {
            lock (_lock)
            {
                return (_open, _idle.Count);
            }
        }
    }

    /// <summary>A connection that is ready for a request.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HttpRequestException">None could be opened.</exception>
    public ValueTask<Http1Connection> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Http1Connection? connection = null;
            LinkedListNode<TaskCompletionSource<Http1Connection?>>? place = null;
            lock (_lock)
            {
                if (_idle.Count > 0)
                {
                    connection = _idle[^1];
                    _idle.RemoveAt(_idle.Count - 1);
                }
                else if (_open < _settings.MaxConnections)
                {
                    Opened_NeedsLock();
                }
                else
                {
                    place = _waiting.AddLast(new TaskCompletionSource<Http1Connection?>(TaskCreationOptions.RunContinuationsAsynchronously));
                }
            }

            if (place is not null)
            {
                return WaitAsync(place, cancellationToken);
            }

            if (connection is null)
            {
                return OpenAsync(cancellationToken);
            }

            if (connection.IsUsable(_time.GetTimestamp()))
            {
                return new(connection);
            }

            connection.Dispose();
        }
    }

    /// <summary>Takes a connection back whose exchange is over, or closes it where its time is.</summary>
    /// <param name="connection">The connection.</param>
    public void Return(Http1Connection connection)
    {
        if (!connection.TryRest(_time.GetTimestamp()))
        {
            connection.Dispose();
            return;
        }

        lock (_lock)
        {
            if (!TryHandOver_NeedsLock(connection))
            {
                _idle.Add(connection);
                _cleaner ??= CreateCleaner();
            }
        }
    }

    /// <summary>A connection was closed: its place is free.</summary>
    public void Closed()
    {
        lock (_lock)
        {
            // Whoever waits longest gets the place and opens a connection in it.
            if (!TryHandOver_NeedsLock(null) && --_open == 0)
            {
                Http1Metrics.Remove(this);
            }
        }
    }

    private bool TryHandOver_NeedsLock(Http1Connection? connection)
    {
        while (_waiting.First is { } first)
        {
            _waiting.RemoveFirst();
            if (first.Value.TrySetResult(connection))
            {
                return true;
            }
        }

        return false;
    }

    private void Opened_NeedsLock()
    {
        if (_open++ == 0)
        {
            Http1Metrics.Add(this);
        }
    }

    private async ValueTask<Http1Connection> WaitAsync(LinkedListNode<TaskCompletionSource<Http1Connection?>> place, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        Http1Connection? connection;
        using (cancellationToken.UnsafeRegister(static (source, token) => ((TaskCompletionSource<Http1Connection?>)source!).TrySetCanceled(token), place.Value))
        {
            try
            {
                connection = await place.Value.Task;
            }
            catch (OperationCanceledException)
            {
                lock (_lock)
                {
                    if (place.List is not null)
                    {
                        _waiting.Remove(place);
                    }
                }

                throw;
            }
        }

        Http1Metrics.Waited(this, _time.GetElapsedTime(began));
        return connection is not null && connection.IsUsable(_time.GetTimestamp()) ? connection : await ReplaceAsync(connection, cancellationToken);
    }

    // Into the place of a connection that was closed, or is to be.
    private async ValueTask<Http1Connection> ReplaceAsync(Http1Connection? connection, CancellationToken cancellationToken)
    {
        if (connection is null)
        {
            return await OpenAsync(cancellationToken);
        }

        connection.Dispose();
        return await TakeAsync(cancellationToken);
    }

    private async ValueTask<Http1Connection> OpenAsync(CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        Socket? socket = null;
        try
        {
            DescriptorReserve.ThrowIfTouched();
            socket = _endPoint is IPEndPoint address
                ? new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
                : new Socket(SocketType.Stream, ProtocolType.Tcp); // of both families: a name may have addresses of either
            socket.NoDelay = true;
            await ConnectAsync(socket, cancellationToken);
            var connection = new Http1Connection(socket, this, _time.GetTimestamp());
            Http1Metrics.Waited(this, _time.GetElapsedTime(began));
            return connection;
        }
        catch (Exception error)
        {
            socket?.Dispose();
            Closed();
            if (error is SocketException refused)
            {
                var isName = refused.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery;
                throw new HttpRequestException(
                    isName ? HttpRequestError.NameResolutionError : HttpRequestError.ConnectionError, $"No connection to {Host}:{Port}: {refused.Message}", refused);
            }

            throw;
        }
    }

    private async ValueTask ConnectAsync(Socket socket, CancellationToken cancellationToken)
    {
        if (_settings.ConnectTimeout == Timeout.InfiniteTimeSpan)
        {
            await socket.ConnectAsync(_endPoint, cancellationToken);
            return;
        }

        using var timer = new CancellationTokenSource(_settings.ConnectTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            await socket.ConnectAsync(_endPoint, either.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            var late = new TimeoutException($"No connection to {Host}:{Port} within {_settings.ConnectTimeout}.");
            throw new HttpRequestException(HttpRequestError.ConnectionError, late.Message, late);
        }
    }

    private ITimer CreateCleaner()
    {
        using (ExecutionContext.SuppressFlow()) // it outlives the request that happens to start it
        {
            return _time.CreateTimer(static pool => ((ConnectionPool)pool!).Clean(), this, CleaningInterval, CleaningInterval);
        }
    }

    // What is too old, or was closed by the other side, does not wait to be found by a request.
    private void Clean()
    {
        List<Http1Connection>? over = null;
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            for (var i = _idle.Count - 1; i >= 0; i--)
            {
                if (!_idle[i].IsUsable(now))
                {
                    (over ??= []).Add(_idle[i]);
                    _idle.RemoveAt(i);
                }
            }

            if (_idle.Count == 0)
            {
                _cleaner?.Dispose();
                _cleaner = null; // a client that nobody uses any more is held by nothing
            }
        }

        foreach (var connection in over ?? [])
        {
            connection.Dispose();
        }
    }
}
