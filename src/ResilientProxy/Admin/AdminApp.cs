using System.Net;
using ResilientProxy.Configuration;
using ResilientProxy.Hosting;
using ResilientProxy.Values;

namespace ResilientProxy.Admin;

/// <summary>The listener for operators: probes, metrics, state, the dashboard, and the verbs of contract section 4.</summary>
internal static class AdminApp
{
    /// <summary>Builds the listener; it does not listen yet.</summary>
    /// <param name="config">The config to start with.</param>
    /// <param name="options">What else the proxy is started with.</param>
    /// <param name="parts">What it shows and steers.</param>
    /// <param name="reloader">The reloads.</param>
    public static WebApplication Build(ProxyConfig config, ProxyAppOptions options, ProxyParts parts, ConfigReloader reloader)
    {
        var builder = ProxyApp.CreateBuilder(options, DescriptorUse.Own);
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
        builder.Services.AddSingleton(_ => new StateSource(parts, reloader)); // made and so disposed of by the container

        var app = builder.Build();
        var state = app.Services.GetRequiredService<StateSource>();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ResilientProxy.Admin");
        Signposts.Use(app);
        ProbeEndpoints.Map(app, parts.Drain);
        HealthEndpoint.Map(app, parts.Health);
        MetricsEndpoint.Map(app, parts);
        StateEndpoint.Map(app, state);
        EventsEndpoint.Map(app, parts, state);
        DashboardEndpoints.Map(app);
        app.MapGet("/config", context => Answer.BytesAsync(context, parts.Models.Current!.Config.EffectiveJson.Value, Answer.Json));

        var guard = new OperatorGuard(config.Admin.Token, logger);
        CircuitsEndpoint.Map(app, guard, parts.Models, logger);
        ProcessVerbs.Map(app, guard, reloader, parts.Drain, logger);
        return app;
    }
}
