using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using ResilientProxy.Hosting;

namespace ResilientProxy.Admin;

/// <summary><c>POST /reload</c> and <c>POST /drain</c>: as SIGHUP and SIGTERM.</summary>
internal static class ProcessVerbs
{
    /// <summary>Adds the endpoints.</summary>
    /// <param name="verbs">The endpoints for operators.</param>
    /// <param name="reloader">The reloads.</param>
    /// <param name="drain">The way the process goes away.</param>
    /// <param name="logger">Takes the audit line.</param>
    public static void Map(RouteGroupBuilder verbs, ConfigReloader reloader, Drain drain, ILogger logger)
    {
        verbs.MapPost("/reload", async (HttpContext context) =>
        {
            OperatorLog.Verb(logger, context.Connection.RemoteIpAddress, "reload");
            var status = await reloader.ReloadAsync();
            return Results.Text(
                JsonSerializer.Serialize(new { successful = status.Successful, findings = status.Findings.Select(finding => finding.ToString()) }),
                "application/json",
                statusCode: status.Successful ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity);
        });
        verbs.MapPost("/drain", (HttpContext context) =>
        {
            OperatorLog.Verb(logger, context.Connection.RemoteIpAddress, "drain");
            drain.Begin();
            return Results.Text("draining\n", statusCode: StatusCodes.Status202Accepted);
        });
    }
}
