using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>What a WebSocket or an event stream costs while nothing goes over it: resident memory of the proxy for each.</summary>
/// <remarks>The upstream is in this process and the clients are bare sockets, so that only the proxy's own memory is looked at.</remarks>
internal static class StreamCase
{
    /// <summary>Its name among the cases.</summary>
    public const string Name = "idle-streams";

    /// <summary>The figure of WebSockets.</summary>
    public const string WebSockets = "idle WebSocket, KiB each of 5,000";

    /// <summary>The figure of event streams.</summary>
    public const string EventStreams = "idle event stream, KiB each of 5,000";

    private const int Streams = 5000;

    /// <summary>Measures it.</summary>
    /// <param name="contestants">How the proxies are started.</param>
    /// <param name="options">Rounds.</param>
    /// <param name="figures">Takes the figures.</param>
    public static async Task MeasureAsync(Contestants contestants, ComparisonOptions options, List<Figure> figures)
    {
        await using var upstream = await StartUpstreamAsync();
        var url = upstream.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var (figure, request) in ((string, string)[])[(WebSockets, Upgrade), (EventStreams, Events)])
            {
                await MeasureAsync(figure, request, round, () => contestants.StartResilientAsync(Contestants.Resilient, url, routes: 0, http2: false, out _, out _), figures);
                await MeasureAsync(figure, request, round, () => Contestants.StartYarpAsync(url), figures);
            }

            await Console.Error.WriteLineAsync($"{Streams} idle streams: round {round + 1} of {options.Rounds}");
        }
    }

    private const string Upgrade = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    private const string Events = "GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";

    // A process of its own each time: memory that streams before these have left behind would be counted for nothing.
    private static async Task MeasureAsync(string figure, string request, int round, Func<Task<TargetProcess>> start, List<Figure> figures)
    {
        using var target = await start();
        var clients = new List<Socket>();
        try
        {
            await OpenAsync(target.Url, request, 50, clients); // what the first ones load is not theirs
            await Task.Delay(TimeSpan.FromSeconds(2));
            var before = target.ResidentMiB;
            await OpenAsync(target.Url, request, Streams, clients);
            await Task.Delay(TimeSpan.FromSeconds(5));
            figures.Add(new(figure, target.Name, round, (target.ResidentMiB - before) * 1024 / Streams));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static async Task OpenAsync(string url, string request, int count, List<Socket> clients)
    {
        var address = new IPEndPoint(IPAddress.Loopback, new Uri(url).Port);
        var bytes = Encoding.ASCII.GetBytes(request);
        for (var opened = 0; opened < count; opened += 50)
        {
            clients.AddRange(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => OpenAsync(address, bytes))));
        }
    }

    private static async Task<Socket> OpenAsync(IPEndPoint address, byte[] request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address);
        await socket.SendAsync(request);
        var buffer = new byte[1024];
        var text = "";
        while (!text.Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer);
            text += Encoding.ASCII.GetString(buffer, 0, read);
            if (read == 0 || !(text.StartsWith("HTTP/1.1 1", StringComparison.Ordinal) || text.StartsWith("HTTP/1.1 2", StringComparison.Ordinal)))
            {
                throw new InvalidOperationException($"No stream was opened: {text}");
            }
        }

        return socket;
    }

    private static async Task<WebApplication> StartUpstreamAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(static async context =>
        {
            if (context.WebSockets.IsWebSocketRequest)
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                await UntilAborted(context);
            }
            else if (context.Request.Path == "/events")
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync(": open\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await UntilAborted(context);
            }
        });
        await app.StartAsync();
        return app;
    }

    private static Task UntilAborted(HttpContext context)
    {
        var ended = new TaskCompletionSource();
        context.RequestAborted.Register(ended.SetResult);
        return ended.Task;
    }
}
