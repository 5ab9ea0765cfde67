using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ResilientProxy.Configuration;
using ResilientProxy.Hosting;
using ResilientProxy.Telemetry.Prometheus;

namespace ResilientProxy.Admin;

/// <summary>The listener for operators: probes, metrics, the config in force, and the verbs of contract section 4.</summary>
internal static partial class AdminApp
{
    /// <summary>Builds the listener; it does not listen yet.</summary>
    /// <param name="config">The config to start with.</param>
    /// <param name="options">What else the proxy is started with.</param>
    /// <param name="parts">What it shows and steers.</param>
    /// <param name="reloader">The reloads.</param>
    public static WebApplication Build(ProxyConfig config, ProxyAppOptions options, ProxyParts parts, ConfigReloader reloader)
    {
        var builder = ProxyApp.CreateBuilder(options);
        var url = new Uri(config.Admin.Url);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 256; // it must answer probes, whoever else comes
            if (IPAddress.TryParse(url.DnsSafeHost, out var address))
            {
                kestrel.Listen(address, url.Port);
            }
            else
            {
                kestrel.ListenLocalhost(url.Port);
            }
        });
        builder.Services.AddRoutingCore();

        var app = builder.Build();
        var scrape = new MetricsScrape(parts.Metrics, parts.Runtime);
        app.MapGet("/health/live", static () => Results.Text("live\n"));
        app.MapGet("/health/ready", () => parts.Drain.IsReady
            ? Results.Text("ready\n")
            : Results.Text(parts.Drain.State.IsDraining ? "draining\n" : "starting\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        HealthEndpoint.Map(app, parts.Health);
        app.MapGet("/metrics", context => WriteMetricsAsync(context, scrape));
        app.MapGet("/config", () => Results.Text(parts.Models.Current!.Config.EffectiveJson, "application/json"));

        var verbs = app.MapGroup("").AddEndpointFilter(async (invocation, next) =>
            Refusal(invocation.HttpContext, config.Admin.Token) ?? await next(invocation));
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ResilientProxy.Admin");
        verbs.MapPost("/reload", async (HttpContext context) =>
        {
            Log.Verb(logger, "reload", context.Connection.RemoteIpAddress);
            var status = await reloader.ReloadAsync();
            return Results.Text(
                JsonSerializer.Serialize(new { successful = status.Successful, findings = status.Findings.Select(finding => finding.ToString()) }),
                "application/json",
                statusCode: status.Successful ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity);
        });
        verbs.MapPost("/drain", (HttpContext context) =>
        {
            Log.Verb(logger, "drain", context.Connection.RemoteIpAddress);
            parts.Drain.Begin();
            return Results.Text("draining\n", statusCode: StatusCodes.Status202Accepted);
        });
        return app;
    }

    private static async Task WriteMetricsAsync(HttpContext context, MetricsScrape scrape)
    {
        context.Response.ContentType = scrape.Write(context.Request.Headers.Accept, context.Response.BodyWriter);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    // A page of another origin must not be able to steer the proxy through its visitor's browser, with or without a token.
    private static IResult? Refusal(HttpContext context, string? token)
    {
        if (context.Request.Headers.Origin is [{ } origin]
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority == context.Request.Host.Value))
        {
            return Results.Text("refused: the request comes from another origin\n", statusCode: StatusCodes.Status403Forbidden);
        }

        if (token is null)
        {
            return null;
        }

        var given = context.Request.Headers.Authorization.ToString();
        const string Scheme = "Bearer ";
        var matches = given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given[Scheme.Length..].Trim()), Encoding.UTF8.GetBytes(token));
        if (matches)
        {
            return null;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Results.Text("refused: Admin.Token is asked for as a bearer token\n", statusCode: StatusCodes.Status401Unauthorized);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Operator at {Address}: {Verb}.")]
        public static partial void Verb(ILogger logger, string verb, IPAddress? address);
    }
}
