using ResilientProxy.Configuration;
using ResilientProxy.Forwarding;
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
        Models = new ProxyModelStore(Metrics, new CircuitFactory(Time, StateLog), Time);
        Replay = new ReplayMemory(() => Models.Current?.Config.MaxReplayMemory ?? 0);
        Source = new YarpConfigSource();
        Drain = new Drain();
        Failures = new RecentFailures();
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

    /// <summary>What is in force.</summary>
    public ProxyModelStore Models { get; }

    /// <summary>What bounds the recorded request bodies.</summary>
    public ReplayMemory Replay { get; }

    /// <summary>What YARP routes by.</summary>
    public YarpConfigSource Source { get; }

    /// <summary>The way the process goes away.</summary>
    public Drain Drain { get; }

    /// <summary>The last requests that failed, or nearly did.</summary>
    public RecentFailures Failures { get; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Sweep.Dispose();
        Runtime.Dispose();
        Metrics.Dispose();
        return ValueTask.CompletedTask;
    }
}
