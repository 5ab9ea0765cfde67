using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>Four upstreams: one that works, two with every fault there is, one that is there and gone by turns (the config says which).</summary>
internal sealed class SoakUpstreams : IAsyncDisposable
{
    private const int Piece = 16 * 1024;

    private readonly List<Upstream> _upstreams = [];
    private readonly Ledger _ledger;
    private readonly SoakOptions _options;

    private SoakUpstreams(Ledger ledger, SoakOptions options)
    {
        _ledger = ledger;
        _options = options;
    }

    /// <summary>Their addresses.</summary>
    public IReadOnlyList<string> Urls => [.. _upstreams.Select(upstream => upstream.Url)];

    /// <summary>Starts them.</summary>
    /// <param name="ledger">Told of every request that reaches one.</param>
    /// <param name="options">The dice, and whether there are any.</param>
    public static async Task<SoakUpstreams> StartAsync(Ledger ledger, SoakOptions options)
    {
        var upstreams = new SoakUpstreams(ledger, options);
        bool[] faulty = [false, true, true, false];
        foreach (var (index, isFaulty) in faulty.Index())
        {
            upstreams._upstreams.Add(await Upstream.StartAsync(context => upstreams.HandleAsync(context, index, isFaulty && !options.Calm), keepsRequests: false));
        }

        return upstreams;
    }

    /// <summary>A body of so many bytes that belongs to one request and no other.</summary>
    /// <param name="id">The request.</param>
    public static byte Filling(long id) => (byte)('A' + (id % 26));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var upstream in _upstreams)
        {
            await upstream.DisposeAsync();
        }
    }

    // "/route/id/kind/size"
    private async Task HandleAsync(HttpContext context, int upstream, bool isFaulty)
    {
        var path = context.Request.Path.Value!.Split('/');
        var id = long.Parse(path[2], CultureInfo.InvariantCulture);
        var size = int.Parse(path[4], CultureInfo.InvariantCulture);
        if (path[3] == "ws")
        {
            _ledger.Delivered(id, UpstreamAct.Answered);
            await EchoAsync(context);
            return;
        }

        var dice = isFaulty ? Dice(id, upstream, context.Request.Headers["X-Attempt-Count"].ToString()) : 1;
        switch (dice)
        {
            case < 0.02:
                _ledger.Delivered(id, UpstreamAct.Unavailable);
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            case < 0.035:
                _ledger.Delivered(id, UpstreamAct.BrokeOff);
                context.Abort();
                return;
            case < 0.045:
                _ledger.Delivered(id, UpstreamAct.BrokeOff);
                await BreakOffAsync(context, isChunked: dice < 0.04);
                return;
            case < 0.05:
                _ledger.Delivered(id, UpstreamAct.Hung);
                await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                context.Abort();
                return;
            default:
                _ledger.Delivered(id, UpstreamAct.Answered);
                break;
        }

        try
        {
            if (dice < 0.07)
            {
                await Task.Delay(300, context.RequestAborted);
            }

            await AnswerAsync(context, id, path[3], size);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // The proxy's side ended it: its log says why.
        }
    }

    private static async Task AnswerAsync(HttpContext context, long id, string kind, int size)
    {
        if (kind == "echo")
        {
            long length = 0;
            long sum = 0;
            var buffer = new byte[Piece];
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
            {
                length += read;
                foreach (var one in buffer.AsSpan(0, read))
                {
                    sum += one;
                }
            }

            await context.Response.WriteAsync($"{length} {sum}", context.RequestAborted);
            return;
        }

        if (kind == "events")
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < size; i++)
            {
                await context.Response.WriteAsync($"data: {id}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(50, context.RequestAborted);
            }

            return;
        }

        if (kind != "chunked")
        {
            context.Response.ContentLength = size;
        }

        var piece = new byte[Math.Min(size, Piece)];
        piece.AsSpan().Fill(Filling(id));
        for (var left = size; left > 0; left -= Piece)
        {
            await context.Response.Body.WriteAsync(piece.AsMemory(0, Math.Min(left, Piece)), context.RequestAborted);
        }
    }

    private static async Task BreakOffAsync(HttpContext context, bool isChunked)
    {
        if (!isChunked)
        {
            context.Response.ContentLength = 100_000;
        }

        await context.Response.Body.WriteAsync(new byte[30_000], CancellationToken.None);
        await context.Response.Body.FlushAsync(CancellationToken.None);
        context.Abort();
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
                if (message.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", context.RequestAborted);
                    return;
                }

                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException)
        {
            // The client's side judges.
        }
    }

    // The same for the same request, destination and attempt, whatever order they come in.
    private double Dice(long id, int upstream, string attempt)
    {
        var mixed = (ulong)((id * 31) + (upstream * 7) + (attempt.Length == 0 ? 0 : attempt[^1]) + ((long)_options.Seed << 40)) + 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (mixed >> 11) / (double)(1UL << 53);
    }
}
