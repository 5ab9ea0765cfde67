namespace ResilientProxy.Admin;

/// <summary>What a wrong path or method is answered: what there is.</summary>
internal static class Signposts
{
    private const string Paths = """
        There is:
          GET  /                 the dashboard
          GET  /state            the live state as JSON
          GET  /events           the same once a second, as server-sent events
          GET  /config           the config in force, secrets masked
          GET  /metrics          for Prometheus
          GET  /health           the health of every destination
          GET  /health/live      200 while the process runs
          GET  /health/ready     200 while new work is welcome
          POST /circuits/{cluster}/{destination}/isolate|close|reset   with ?ttl=60s to bound it
          POST /reload           as SIGHUP
          POST /drain            as SIGTERM

        """;

    /// <summary>Adds them; call it before the endpoints.</summary>
    /// <param name="app">The admin listener.</param>
    public static void Use(WebApplication app) => app.Use(static async (context, next) =>
    {
        await next(context);
        var response = context.Response;
        if (!response.HasStarted && response.ContentType is null && response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
        {
            response.ContentType = "text/plain; charset=utf-8";
            var what = response.StatusCode == StatusCodes.Status404NotFound ? "nothing is at this path" : $"this path takes {response.Headers.Allow}";
            await response.WriteAsync($"{what}. {Paths}", context.RequestAborted);
        }
    });
}
