using ResilientProxy.Hosting;

namespace ResilientProxy.Admin;

/// <summary><c>GET /health/live</c> and <c>/health/ready</c>: what an orchestrator asks.</summary>
internal static class ProbeEndpoints
{
    /// <summary>Adds the endpoints.</summary>
    /// <param name="app">The admin listener.</param>
    /// <param name="drain">Where the process is.</param>
    public static void Map(WebApplication app, Drain drain)
    {
        app.MapGet("/health/live", static context => Answer.TextAsync(context, "live\n"));
        app.MapGet("/health/ready", context => drain.IsReady
            ? Answer.TextAsync(context, "ready\n")
            : Answer.TextAsync(context, drain.State.IsDraining ? "draining\n" : "starting\n", StatusCodes.Status503ServiceUnavailable));
    }
}
