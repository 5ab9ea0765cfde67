using ResilientProxy.Admission;
using ResilientProxy.Configuration;
using ResilientProxy.Forwarding;
using ResilientProxy.Health;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Hosting;

/// <summary>What the traffic and the admin listener share.</summary>
internal sealed class ProxyParts : IAsyncDisposable
{
    /// <summary>Makes the parts; nothing runs yet but the sweep.</summary>
    /// <param name="config">The config to start with.</param>
    /// <param name="options">What else the proxy is started with.</param>
    public ProxyParts(ProxyConfig config, ProxyAppOptions options)
    {
        Time = options.Time;
        AdminOptions = config.Admin;
        Metrics = new ProxyMetrics(Time);
        Runtime = new RuntimeMetrics(Metrics.Registry.Overflowed);
        Sweep = new TimerSweep(Time);
        StateLog = new LateLogger();
        Health = new HealthMonitor(Metrics, Time);
        Models = new ProxyModelStore(Metrics, new CircuitFactory(Time, StateLog), new BulkheadFactory(Metrics, Sweep), Health, Time);
        Replay = new ReplayMemory(() => Models.Current?.Config.MaxReplayMemory ?? 0);
        Source = new YarpConfigSource();
        Drain = new Drain();
        Overload = new OverloadState();
        Failures = new RecentFailures(options.Time);
    }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>The admin settings the process was started with: a listener does not change while it runs.</summary>
    public AdminOptions AdminOptions { get; }

    /// <summary>Everything that is counted.</summary>
    public ProxyMetrics Metrics { get; }

    /// <summary>What the runtime counts.</summary>
    public RuntimeMetrics Runtime { get; }

    /// <summary>Takes one line for each change of state.</summary>
    public LateLogger StateLog { get; }

    /// <summary>The timers.</summary>
    public TimerSweep Sweep { get; }

    /// <summary>The active health checks.</summary>
    public HealthMonitor Health { get; }

    /// <summary>What is in force.</summary>
    public ProxyModelStore Models { get; }

    /// <summary>What bounds the recorded request bodies.</summary>
    public ReplayMemory Replay { get; }

    /// <summary>What YARP routes by.</summary>
    public YarpConfigSource Source { get; }

    /// <summary>The way the process goes away.</summary>
    public Drain Drain { get; }

    /// <summary>How much the process has to do.</summary>
    public OverloadState Overload { get; }

    /// <summary>The export by OTLP; null until it is started, which needs the log.</summary>
    public OtlpExport? Export { get; private set; }

    /// <summary>Starts the export by OTLP, where the environment asks for one.</summary>
    /// <param name="options">What the proxy is started with.</param>
    /// <param name="logger">Told where it goes.</param>
    public void StartExport(ProxyAppOptions options, ILogger<OtlpExport> logger) =>
        Export = OtlpExport.Start(options.Environment, Metrics.Registry.Meter, Time, logger);

    /// <summary>The last requests that failed, or nearly did.</summary>
    public RecentFailures Failures { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Health.DisposeAsync();
        if (Export is { } export)
        {
            await export.DisposeAsync(); // first: what the meter still knows goes out with it
        }

        Sweep.Dispose();
        Runtime.Dispose();
        Metrics.Dispose();
    }
}
