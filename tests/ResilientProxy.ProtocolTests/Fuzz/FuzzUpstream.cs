using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>An upstream for many cases at once. Whose a request is says the address that the proxy puts into X-Forwarded-For: each case has one of its own,
/// and no case can write that of another one.</summary>
internal sealed class FuzzUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<string, FuzzRecording> _recordings = new();
    private readonly ConcurrentQueue<string> _strays = new();
    private readonly Task _accepting;

    /// <summary>Starts one.</summary>
    public FuzzUpstream()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Its address, with a slash at the end.</summary>
    public string Url => $"http://{_listener.LocalEndpoint}/";

    /// <summary>What came and belongs to no case: bytes that are no request, or a request that the proxy did not write.</summary>
    public IReadOnlyCollection<string> Strays => _strays;

    /// <summary>Begins to record a case.</summary>
    /// <param name="client">The address its client connects from.</param>
    /// <param name="answer">What it is answered.</param>
    public FuzzRecording Begin(IPAddress client, UpstreamAnswer answer) => _recordings[client.ToString()] = new(answer);

    /// <summary>What was recorded of a case.</summary>
    /// <param name="client">The address its client connects from.</param>
    public FuzzRecording Of(IPAddress client) => _recordings[client.ToString()];

    /// <summary>Forgets what is not of any case.</summary>
    public void ClearStrays() => _strays.Clear();

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
        using var owned = socket;
        var buffer = new byte[16384];
        var text = "";
        WireRequest? request = null;
        try
        {
            while (true)
            {
                var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end < 0)
                {
                    if (!await MoreAsync())
                    {
                        break;
                    }

                    continue;
                }

                var raw = text[..(end + 4)];
                text = text[(end + 4)..];
                request = new WireRequest(WireHead.Parse(raw[..^2]), raw);
                var forwardedFor = request.Head.All("X-Forwarded-For") is [var one] ? one : "";
                if (!_recordings.TryGetValue(forwardedFor, out var recording))
                {
                    _strays.Enqueue($"a request that the proxy did not write: '{raw}'");
                    return;
                }

                var isSentinel = request.Target.EndsWith(RecordingUpstream.Sentinel, StringComparison.Ordinal);
                recording.Add(request, isSentinel);
                int consumed;
                while (!request.TryBody(text, out consumed))
                {
                    if (request.Flaw is not null || !await MoreAsync())
                    {
                        return;
                    }
                }

                text = text[consumed..];
                var answer = isSentinel
                    ? new($"HTTP/1.1 200 OK\r\nContent-Length: {RecordingUpstream.SentinelBody.Length}\r\n\r\n{RecordingUpstream.SentinelBody}")
                    : recording.Answer;
                await socket.SendAsync(Encoding.Latin1.GetBytes(answer.Text), _end.Token);
                if (answer.End == AnswerEnd.Reset)
                {
                    socket.Close(0);
                }

                if (answer.End != AnswerEnd.Open)
                {
                    return;
                }
            }

            if (text.Length > 0)
            {
                _strays.Enqueue($"bytes that are no request: '{text}'");
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

        async Task<bool> MoreAsync()
        {
            var count = await socket.ReceiveAsync(buffer, _end.Token);
            text += Encoding.Latin1.GetString(buffer, 0, count);
            return count > 0;
        }
    }
}

/// <summary>What reached the upstream of one case.</summary>
/// <param name="answer">What it is answered.</param>
internal sealed class FuzzRecording(UpstreamAnswer answer)
{
    private readonly ConcurrentQueue<WireRequest> _requests = new();
    private readonly ConcurrentQueue<WireRequest> _sentinels = new();

    /// <summary>What is answered.</summary>
    public UpstreamAnswer Answer => answer;

    /// <summary>The requests, without sentinels.</summary>
    public IReadOnlyCollection<WireRequest> Requests => _requests;

    /// <summary>All of them.</summary>
    public IEnumerable<WireRequest> All => _requests.Concat(_sentinels);

    internal void Add(WireRequest request, bool isSentinel) => (isSentinel ? _sentinels : _requests).Enqueue(request);
}
