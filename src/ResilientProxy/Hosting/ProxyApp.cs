using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ResilientProxy.Admin;
using ResilientProxy.Admission;
using ResilientProxy.Configuration;
using ResilientProxy.Forwarding;
using ResilientProxy.Health;
using ResilientProxy.Telemetry;
using ResilientProxy.Tls;
using ResilientProxy.Values;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Hosting;

/// <summary>One running proxy: the traffic listener, the admin listener, and what they share.</summary>
internal sealed class ProxyApp : IAsyncDisposable
{
    private readonly WebApplication _traffic;
    private readonly WebApplication _admin;
    private readonly ProxyParts _parts;
    private readonly ConfigReloader _reloader;
    private readonly ConfigFileWatcher _watcher;

    private ProxyApp(WebApplication traffic, WebApplication admin, ProxyParts parts, ConfigReloader reloader, ConfigFileWatcher watcher)
    {
        _traffic = traffic;
        _admin = admin;
        _parts = parts;
        _reloader = reloader;
        _watcher = watcher;
    }

    /// <summary>The addresses traffic is served at, with the ports that were taken.</summary>
    public IReadOnlyList<string> TrafficUrls => AddressesOf(_traffic);

    /// <summary>The address of the admin endpoint, with the port that was taken.</summary>
    public string AdminUrl => AddressesOf(_admin)[0];

    /// <summary>The way the process goes away.</summary>
    public Drain Drain => _parts.Drain;

    /// <summary>The reloads.</summary>
    public ConfigReloader Reloader => _reloader;

    /// <summary>Everything that is counted.</summary>
    public ProxyMetrics Metrics => _parts.Metrics;

    /// <summary>Bytes of request bodies that are recorded at this moment.</summary>
    public long ReplayMemoryUsed => _parts.Replay.Used;

    /// <summary>Starts serving.</summary>
    /// <param name="config">A checked config.</param>
    /// <param name="options">What else it is started with.</param>
    /// <exception cref="IOException">A listener's address is taken or not of this machine.</exception>
    public static async Task<ProxyApp> StartAsync(ProxyConfig config, ProxyAppOptions options)
    {
        var parts = new ProxyParts(config, options);
        var traffic = BuildTraffic(config, options, parts);
        var reloader = new ConfigReloader(options, config, parts, traffic.Services.GetRequiredService<ILogger<ConfigReloader>>());
        WebApplication? admin = null;
        ConfigFileWatcher? watcher = null;
        try
        {
            parts.StartExport(options, traffic.Services.GetRequiredService<ILogger<OtlpExport>>());

            // Each on a core of its own: most of a start is code that runs for the first time.
            var starting = Task.Run(async () =>
            {
                admin = AdminApp.Build(config, options, parts, reloader);
                await admin.StartAsync();
            });
            await Task.WhenAll(traffic.StartAsync(), starting); // both have ended when one of them has failed
            watcher = new ConfigFileWatcher(options.ConfigPath, options.Time, reloader.FileChanged);
            parts.Metrics.ConfigLoaded();
            parts.Drain.Started();
            reloader.WriteEffectiveSoon(config);
            return new(traffic, admin!, parts, reloader, watcher);
        }
        catch
        {
            watcher?.Dispose();
            await traffic.DisposeAsync();
            if (admin is not null)
            {
                await admin.DisposeAsync();
            }

            await reloader.DisposeAsync();
            await parts.DisposeAsync();
            throw;
        }
    }

    /// <summary>Drains (contract section 4) and ends: the listener closes after the delay, requests in flight finish or are reset at the timeout.</summary>
    public async Task DrainAsync()
    {
        var options = _parts.AdminOptions;
        _parts.Drain.Begin();
        await Task.Delay(options.DrainDelay, _parts.Time);
        await using (_parts.Lives.Begin(options.DrainTimeout))
        {
            await StopAsync(_traffic, options.DrainTimeout);
        }

        await StopAsync(_admin, TimeSpan.FromSeconds(1));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _watcher.Dispose();
        await StopAsync(_traffic, TimeSpan.Zero);
        await _traffic.DisposeAsync();
        await _reloader.DisposeAsync();
        await StopAsync(_admin, TimeSpan.Zero);
        await _admin.DisposeAsync();
        await _parts.DisposeAsync();
    }

    /// <summary>What both listeners' servers have in common.</summary>
    /// <param name="options">What the proxy is started with.</param>
    /// <param name="use">Whose connections they take.</param>
    public static WebApplicationBuilder CreateBuilder(ProxyAppOptions options, DescriptorUse use)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>(); // signals are ours: see Drain
        builder.Services.AddSingleton(options.Time);

        // First, so that the server adds none of its own.
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => ActivatorUtilities.CreateInstance<PatientListenerFactory>(services, use));

        // ASP.NET's request log makes a scope and an activity for every request as soon as anybody could read it; the access log is ours.
        builder.Logging.SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("System", LogLevel.Warning)
            .AddFilter("Yarp", LogLevel.Warning)
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // a failed start is ours to explain, in one sentence
        options.Logging(builder.Logging);
        return builder;
    }

    private static WebApplication BuildTraffic(ProxyConfig config, ProxyAppOptions options, ProxyParts parts)
    {
        var builder = CreateBuilder(options, DescriptorUse.Traffic);
        builder.Configuration.AddInMemoryCollection(config.HostSettings.Where(static setting => !KestrelSetup.IsTls(setting.Key)));
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.WebHost.UseKestrelCore();
        if (config.Kestrel.Endpoints.Values.Any(static endpoint => endpoint.IsHttps))
        {
            builder.WebHost.UseKestrelHttpsConfiguration(); // loads all of TLS
        }

        builder.Services.Configure<Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets.SocketTransportOptions>(
            static sockets => sockets.UnsafePreferInlineScheduling = InlineCompletions.AreOn);
        builder.WebHost.ConfigureKestrel(kestrel => KestrelSetup.ForTraffic(kestrel, builder.Configuration.GetSection("Kestrel"), config.Kestrel));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan); // the drain's own timeout counts

        builder.Services.AddReverseProxy().AddTransforms<ForwardedForTransform>();

        builder.Services.AddSingleton<IDataProtectionProvider, LateDataProtection>();
        foreach (var writer in builder.Services.Where(service => service.ImplementationType?.Name == "DataProtectionHostedService").ToArray())
        {
            builder.Services.Remove(writer); // it makes and stores a key at start, whether one is needed or not
        }

        // YARP registers authorization, and the host puts a middleware of it before every request as soon as it is there. There is nothing to
        // authorize: routes that ask for it are refused with the config.
        builder.Services.RemoveAll<IAuthorizationHandlerProvider>();

        var source = parts.Source;
        builder.Services.AddSingleton<IProxyConfigProvider>(source);
        builder.Services.AddSingleton<IConfigChangeListener>(source);
        builder.Services.AddSingleton<IForwarderHttpClientFactory>(new ModelHttpClients(parts.Models));
        builder.Services.AddSingleton(parts.Metrics);
        builder.Services.AddSingleton<CertificateStore>();
        builder.Services.AddSingleton(parts.Sweep);
        builder.Services.AddSingleton(parts.Drain.State);
        builder.Services.AddSingleton(parts.Replay);
        builder.Services.AddSingleton(parts.Failures);
        builder.Services.AddSingleton<ProxyIdentity>();
        builder.Services.AddSingleton(parts.Models);
        builder.Services.AddSingleton(parts.Overload);
        builder.Services.AddSingleton(services => new OverloadGuard(
            () => parts.Models.Current?.Config.Overload, parts.Overload, parts.Metrics.Overload, options.Time,
            services.GetRequiredService<ILogger<OverloadGuard>>(), options.OverloadProbes));
        builder.Services.AddSingleton<ResponseCopy>();
        builder.Services.AddSingleton<UpgradeForwarder>();
        builder.Services.AddSingleton<AttemptSender>();
        builder.Services.AddSingleton<HedgedSender>();
        builder.Services.AddSingleton<ResponseSender>();
        builder.Services.AddSingleton<ExchangeForwarder>();
        builder.Services.AddSingleton(services => AccessLog.Create(
            config.AccessLog, options.StandardOutput, parts.Metrics.AccessLogDropped, options.Time, services.GetRequiredService<ILogger<AccessLog>>()));

        var app = builder.Build();
        parts.StateLog.GoesTo(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ResilientProxy.State"));
        parts.Health.Logger = app.Services.GetRequiredService<ILogger<HealthMonitor>>();
        parts.Models.Logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ResilientProxy.Upstreams");
        var model = parts.Models.Build(config);
        parts.Models.Use(model);
        source.Start(model.YarpRoutes, model.YarpClusters);
        app.Services.GetRequiredService<OverloadGuard>(); // watches from here on, until the application is disposed
        ProxyPipeline.Use(app, parts.Models);
        return app;
    }

    private static async Task StopAsync(WebApplication app, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await app.StopAsync(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // What was still open has been reset: that is what the timeout is for.
        }
    }

    private static List<string> AddressesOf(WebApplication app) =>
        [.. app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses];

    // The clients are the model's: YARP only has to know the same ones.
    private sealed class ModelHttpClients(ProxyModelStore models) : IForwarderHttpClientFactory
    {
        public HttpMessageInvoker CreateClient(ForwarderHttpClientContext context) => models.Current!.Clusters[context.ClusterId].Client.Invoker;
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
