using ResilientProxy.Hosting;
using ResilientProxy.Telemetry.Prometheus;

namespace ResilientProxy.Admin;

/// <summary><c>GET /metrics</c>: everything that is counted, as Prometheus reads it.</summary>
internal static class MetricsEndpoint
{
    /// <summary>Adds the endpoint.</summary>
    /// <param name="app">The admin listener.</param>
    /// <param name="parts">What is counted.</param>
    public static void Map(WebApplication app, ProxyParts parts)
    {
        var scrape = new MetricsScrape(parts.Metrics, parts.Runtime);
        var turn = new SemaphoreSlim(1); // lives as long as the endpoint
        app.MapGet("/metrics", async context =>
        {
            // One is written at a time: however many scrapers there are, they take one thread from the requests.
            await turn.WaitAsync(context.RequestAborted);
            try
            {
                context.Response.ContentType = scrape.Write(context.Request.Headers.Accept, context.Response.BodyWriter);
            }
            finally
            {
                turn.Release();
            }

            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        });
    }
}
