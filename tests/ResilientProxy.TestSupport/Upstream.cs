using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace ResilientProxy.TestSupport;

/// <summary>A real upstream: Kestrel on a free port, and what reached it.</summary>
public sealed class Upstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Upstream(WebApplication app) => _app = app;

    /// <summary>Its address, with a slash at the end.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First() + "/";

    /// <summary>The requests that reached it, in order, as "METHOD target".</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The ids of the connections that were opened to it.</summary>
    public ConcurrentDictionary<string, bool> Connections { get; } = new();

    /// <summary>Starts one.</summary>
    /// <param name="handler">What it answers.</param>
    /// <param name="protocols">The HTTP versions it speaks in clear text.</param>
    /// <param name="keepsRequests">Whether it remembers what reached it: not for millions of requests.</param>
    public static async Task<Upstream> StartAsync(RequestDelegate handler, HttpProtocols protocols = HttpProtocols.Http1, bool keepsRequests = true)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = protocols);
        });
        var app = builder.Build();
        var upstream = new Upstream(app);
        app.UseWebSockets();
        app.Run(context =>
        {
            if (keepsRequests)
            {
                upstream.Requests.Enqueue($"{context.Request.Method} {context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}");
                upstream.Connections.TryAdd(context.Connection.Id, true);
            }

            return handler(context);
        });
        await app.StartAsync();
        return upstream;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        try
        {
            await _app.StopAsync(atOnce.Token);
        }
        catch (OperationCanceledException)
        {
            // Requests that hang on purpose are cut.
        }

        await _app.DisposeAsync();
    }
}
