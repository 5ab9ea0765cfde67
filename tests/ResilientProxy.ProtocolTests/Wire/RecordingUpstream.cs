using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>An upstream that keeps every request as it came, strictly read, and answers with the bytes it is told.</summary>
internal sealed class RecordingUpstream : IAsyncDisposable
{
    /// <summary>The target of the request that asks whether a connection is still in step; its answer's body is <see cref="SentinelBody"/>.</summary>
    public const string Sentinel = "/sentinel";

    /// <summary>The body of the answer to <see cref="Sentinel"/>, and of no other one.</summary>
    public const string SentinelBody = "in step";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;
    private volatile Recording _current = new(UpstreamAnswer.Ok);

    /// <summary>Starts one.</summary>
    public RecordingUpstream()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Its address, with a slash at the end.</summary>
    public string Url => $"http://{EndPoint}/";

    /// <summary>Begins a recording: what comes from now on belongs to it.</summary>
    /// <param name="answer">What is answered.</param>
    public Recording Begin(UpstreamAnswer? answer) => _current = new(answer ?? UpstreamAnswer.Ok);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                running.Add(ServeAsync(await _listener.AcceptSocketAsync(_end.Token)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException || (error is InvalidOperationException && _end.IsCancellationRequested))
        {
            // The tests are over. A listener that was stopped between two accepts says "Not listening".
        }

        await Task.WhenAll(running);
    }

    private async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        using var connection = new Connection(socket, _end.Token);
        WireRequest? request = null;
        try
        {
            while (await connection.ReadHeadAsync() is { Length: > 0 } raw)
            {
                request = new WireRequest(WireHead.Parse(raw[..^2]), raw);
                var isSentinel = request.Target.EndsWith(Sentinel, StringComparison.Ordinal);
                var recording = _current;
                recording.Add(request, isSentinel);
                var answer = isSentinel
                    ? new($"HTTP/1.1 200 OK\r\nContent-Length: {SentinelBody.Length}\r\n\r\n{SentinelBody}")
                    : recording.Answer;
                if (answer.Early)
                {
                    await connection.SendAsync(answer.Text);
                }

                if (!await connection.ReadBodyAsync(request))
                {
                    break;
                }

                if (!answer.Early)
                {
                    await connection.SendAsync(answer.Text);
                }

                if (answer.End == AnswerEnd.Reset)
                {
                    socket.Close(0);
                }

                if (answer.End != AnswerEnd.Open)
                {
                    break;
                }
            }

            if (connection.Rest.Length > 0)
            {
                _current.Stray(connection.Rest);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The proxy closed, or the tests are over.
        }
        finally
        {
            request?.ConnectionEnded();
        }
    }

    private sealed class Connection(Socket socket, CancellationToken end) : IDisposable
    {
        public string Rest { get; private set; } = "";

        public async Task<string> ReadHeadAsync()
        {
            while (true)
            {
                var head = Rest.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (head >= 0)
                {
                    var raw = Rest[..(head + 4)];
                    Rest = Rest[(head + 4)..];
                    return raw;
                }

                if (!await MoreAsync())
                {
                    return "";
                }
            }
        }

        public async Task<bool> ReadBodyAsync(WireRequest request)
        {
            while (true)
            {
                if (request.TryBody(Rest, out var consumed))
                {
                    Rest = Rest[consumed..];
                    return true;
                }

                if (request.Flaw is not null || !await MoreAsync())
                {
                    Rest = "";
                    return false;
                }
            }
        }

        public async Task SendAsync(string text)
        {
            var bytes = Encoding.Latin1.GetBytes(text);
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await socket.SendAsync(bytes.AsMemory(sent), end);
            }
        }

        public void Dispose() => socket.Dispose();

        private async Task<bool> MoreAsync()
        {
            var buffer = new byte[16384];
            var count = await socket.ReceiveAsync(buffer, end);
            Rest += Encoding.Latin1.GetString(buffer, 0, count);
            return count > 0;
        }
    }
}

/// <summary>What reached the upstream during one case.</summary>
/// <param name="answer">What it answers.</param>
internal sealed class Recording(UpstreamAnswer answer)
{
    private readonly ConcurrentQueue<WireRequest> _all = new();
    private readonly ConcurrentQueue<WireRequest> _ofCase = new();
    private readonly ConcurrentQueue<string> _strays = new();

    /// <summary>What is answered.</summary>
    public UpstreamAnswer Answer => answer;

    /// <summary>The requests, without sentinels.</summary>
    public IReadOnlyCollection<WireRequest> Requests => _ofCase;

    /// <summary>What is wrong with what came, sentinels included.</summary>
    public IEnumerable<string> Flaws =>
        _all.Select(request => request.Flaw).OfType<string>().Concat(_strays.Select(rest => $"bytes that belong to no request: '{rest}'"));

    internal void Add(WireRequest request, bool isSentinel)
    {
        _all.Enqueue(request);
        if (!isSentinel)
        {
            _ofCase.Enqueue(request);
        }
    }

    internal void Stray(string rest) => _strays.Enqueue(rest);
}
