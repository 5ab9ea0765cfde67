using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;

namespace ResilientProxy.Cli.Demo;

/// <summary>What an upstream of the demo does to its requests.</summary>
internal enum Mood
{
    /// <summary>Answers within some milliseconds.</summary>
    Well,

    /// <summary>Answers 503.</summary>
    Failing,

    /// <summary>Answers after two seconds.</summary>
    Slow,

    /// <summary>Takes requests and never answers.</summary>
    Hanging,
}

/// <summary>An upstream in this process, on a free port, whose mood can be changed.</summary>
internal sealed class DemoUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private volatile Mood _mood;
    private long _requests;

    private DemoUpstream(WebApplication app, string name)
    {
        _app = app;
        Name = name;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What it does to its requests from now on.</summary>
    public Mood Mood
    {
        get => _mood;
        set => _mood = value;
    }

    /// <summary>Requests that reached it.</summary>
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Its address.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    /// <summary>Starts one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="always">What it answers whatever its mood; null for an answer by its mood.</param>
    public static async Task<DemoUpstream> StartAsync(string name, TimeProvider time, RequestDelegate? always = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var upstream = new DemoUpstream(builder.Build(), name);
        upstream._app.Run(always ?? (context => upstream.AnswerAsync(context, time)));
        await upstream._app.StartAsync();
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

    private async Task AnswerAsync(HttpContext context, TimeProvider time)
    {
        Interlocked.Increment(ref _requests);
        try
        {
            switch (_mood)
            {
                case Mood.Failing:
                    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                    return;
                case Mood.Slow:
                    await Task.Delay(TimeSpan.FromSeconds(2), time, context.RequestAborted);
                    break;
                case Mood.Hanging:
                    await Task.Delay(Timeout.InfiniteTimeSpan, time, context.RequestAborted);
                    break;
                default:
                    await Task.Delay(TimeSpan.FromMilliseconds(3 + (Random.Shared.NextDouble() * 9)), time, context.RequestAborted);
                    break;
            }

            await context.Response.WriteAsync($"hello from {Name}\n", context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The proxy gave the attempt up.
        }
    }
}
