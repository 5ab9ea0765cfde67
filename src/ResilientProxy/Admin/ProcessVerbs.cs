using System.Text.Json;
using ResilientProxy.Hosting;

namespace ResilientProxy.Admin;

/// <summary><c>POST /reload</c> and <c>POST /drain</c>: as SIGHUP and SIGTERM.</summary>
internal static class ProcessVerbs
{
    /// <summary>Adds the endpoints.</summary>
    /// <param name="app">The admin listener.</param>
    /// <param name="guard">Who may use them.</param>
    /// <param name="reloader">The reloads.</param>
    /// <param name="drain">The way the process goes away.</param>
    /// <param name="logger">Takes the audit line.</param>
    public static void Map(WebApplication app, OperatorGuard guard, ConfigReloader reloader, Drain drain, ILogger logger)
    {
        app.MapPost("/reload", guard.Protect(async context =>
        {
            OperatorLog.Verb(logger, context.Connection.RemoteIpAddress, "reload");
            var status = await reloader.ReloadAsync();
            await Answer.TextAsync(
                context,
                JsonSerializer.Serialize(new { successful = status.Successful, findings = status.Findings.Select(finding => finding.ToString()) }),
                status.Successful ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
                Answer.Json);
        }));
        app.MapPost("/drain", guard.Protect(context =>
        {
            OperatorLog.Verb(logger, context.Connection.RemoteIpAddress, "drain");
            drain.Begin();
            return Answer.TextAsync(context, "draining\n", StatusCodes.Status202Accepted);
        }));
    }
}
