using System.IO.Pipelines;
using ResilientProxy.Hosting;

namespace ResilientProxy.Admin;

/// <summary><c>GET /events</c>: the state once a second as server-sent events, until the listener goes or the proxy ends.</summary>
/// <remarks>It goes on while the proxy drains, so that an operator sees the last requests finish, and ends at once when this listener closes.</remarks>
internal static class EventsEndpoint
{
    /// <summary>The most listeners at a time.</summary>
    public const int MaxListeners = 32;

    /// <summary>The time between two events; each is the heartbeat too.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Adds the endpoint.</summary>
    /// <param name="app">The admin listener.</param>
    /// <param name="parts">The clock.</param>
    /// <param name="state">The state.</param>
    public static void Map(WebApplication app, ProxyParts parts, StateSource state)
    {
        var listeners = 0;
        var ending = app.Lifetime.ApplicationStopping;
        app.MapGet("/events", async context =>
        {
            try
            {
                if (Interlocked.Increment(ref listeners) > MaxListeners)
                {
                    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                    context.Response.Headers.RetryAfter = "5";
                    await context.Response.WriteAsync($"{MaxListeners} listeners are served at a time: close a dashboard, or ask /state\n", context.RequestAborted);
                    return;
                }

                using var end = CancellationTokenSource.CreateLinkedTokenSource(ending, context.RequestAborted);
                await SendAsync(context.Response, parts.Time, state, end.Token);
            }
            catch (OperationCanceledException)
            {
                // The listener left, or the proxy ends: the stream ends with it.
            }
            finally
            {
                Interlocked.Decrement(ref listeners);
            }
        });
    }

    private static async Task SendAsync(HttpResponse response, TimeProvider time, StateSource state, CancellationToken end)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        using var timer = new PeriodicTimer(Interval, time);
        var output = response.BodyWriter;
        await output.WriteAsync("retry: 1000\n\n"u8.ToArray(), end);
        try
        {
            do
            {
                await SendAsync(output, state.ReadShared(), end);
            }
            while (await timer.WaitForNextTickAsync(end));
        }
        catch (OperationCanceledException) when (!response.HttpContext.RequestAborted.IsCancellationRequested)
        {
            // The last word, so that a dashboard can tell an end from a lost connection; the listener closes within a second, whoever reads.
            await SendAsync(output, state.ReadNow(), response.HttpContext.RequestAborted);
        }
    }

    private static async Task SendAsync(PipeWriter output, byte[] json, CancellationToken end)
    {
        await output.WriteAsync("event: state\ndata: "u8.ToArray(), end);
        await output.WriteAsync(json, end);
        await output.WriteAsync("\n\n"u8.ToArray(), end);
        await output.FlushAsync(end);
    }
}
