using Microsoft.Extensions.Logging.Abstractions;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Health;

/// <summary>Runs the active checks of all clusters: one for each destination and distinct check, whatever number of routes lead there.</summary>
internal sealed partial class HealthMonitor : IAsyncDisposable
{
    // Checks under way at the same time: beyond it they wait for each other instead of crowding the machine.
    private const int MaxConcurrentChecks = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<DestinationHealth, Prober> _probers = [];
    private readonly List<Task> _stopping = [];
    private readonly SemaphoreSlim _slots = new(MaxConcurrentChecks);
    private readonly TimeProvider _time;
    private readonly Random _random;
    private volatile IReadOnlyDictionary<string, ClusterHealth> _clusters = new Dictionary<string, ClusterHealth>();
    private bool _disposed;

    /// <summary>Checks nothing yet.</summary>
    /// <param name="metrics">Where results are counted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">For jitter and spread; thread-safe.</param>
    public HealthMonitor(ProxyMetrics metrics, TimeProvider time, Random? random = null)
    {
        _time = time;
        _random = random ?? Random.Shared;
        metrics.DestinationHealthy.ObserveWith(Observe);
    }

    /// <summary>Where changes of state are told.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>The clusters as they are watched now.</summary>
    public IReadOnlyDictionary<string, ClusterHealth> Clusters => _clusters;

    /// <summary>Checks running now.</summary>
    public int Running
    {
        get
        {
            lock (_lock)
            {
                return _probers.Count;
            }
        }
    }

    /// <summary>Takes the plans of a config over: what did not change goes on, with its results; the rest starts or stops.</summary>
    /// <param name="plans">One for every cluster.</param>
    public void Apply(IReadOnlyList<HealthPlan> plans)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var before = _clusters;
            var clusters = new Dictionary<string, ClusterHealth>(StringComparer.OrdinalIgnoreCase);
            var kept = new HashSet<DestinationHealth>();
            var starting = plans.Sum(plan => plan.Targets.Count(target => target.Probe is not null && !_probers.ContainsKey(target.Health)));
            foreach (var plan in plans)
            {
                var known = before.GetValueOrDefault(plan.Cluster);
                var cluster = clusters[plan.Cluster] = new ClusterHealth(plan, known?.IsPanicking ?? false);
                foreach (var target in plan.Targets)
                {
                    kept.Add(target.Health);
                    target.Health.IsNewcomer |= known is not null && !known.Plan.Targets.Any(other => ReferenceEquals(other.Health, target.Health));
                    target.Health.SetChecked(target.Probe is not null);
                    Run_NeedsLock(cluster, target, starting);
                }

                cluster.Recompute();
            }

            foreach (var (health, prober) in _probers.Where(entry => !kept.Contains(entry.Key)).ToArray())
            {
                Stop_NeedsLock(health, prober);
            }

            _clusters = clusters;
        }
    }

    /// <summary>Ends all checks and waits for those under way.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] ending;
        lock (_lock)
        {
            _disposed = true;
            foreach (var (health, prober) in _probers.ToArray())
            {
                Stop_NeedsLock(health, prober);
            }

            ending = [.. _stopping];
        }

        await Task.WhenAll(ending);
        _slots.Dispose();
    }

    private void Run_NeedsLock(ClusterHealth cluster, HealthTarget target, int starting)
    {
        var running = _probers.GetValueOrDefault(target.Health);
        if (running is not null && target.Probe is not null && running.Settings.IsSameAs(target.Probe))
        {
            return;
        }

        if (running is not null)
        {
            Stop_NeedsLock(target.Health, running);
        }

        if (target.Probe is { } probe)
        {
            // At once for a few, spread over a moment for many.
            var spread = TimeSpan.FromMilliseconds(Math.Min(300, 5 * (starting - 1)));
            _probers[target.Health] = new Prober(probe, target.Health, _random.NextDouble() * spread, _slots, _time, _random, (prober, result) =>
                Report(prober, cluster.Plan.Cluster, target.Health, result));
        }
    }

    private void Stop_NeedsLock(DestinationHealth health, Prober prober)
    {
        _probers.Remove(health);
        _stopping.RemoveAll(static task => task.IsCompleted);
        _stopping.Add(prober.DisposeAsync().AsTask());
    }

    private void Report(Prober prober, string clusterId, DestinationHealth health, ProbeResult result)
    {
        HealthState before;
        HealthTarget target;
        ClusterHealth cluster;
        bool panicChanged;
        lock (_lock)
        {
            if (prober.IsStopped)
            {
                return;
            }

            cluster = _clusters[clusterId];
            target = cluster.Plan.Targets.First(candidate => ReferenceEquals(candidate.Health, health));
            target.Metrics.HealthChecked(result.Outcome);
            if (result.SaysNothing)
            {
                return;
            }

            before = health.Learn(result, prober.Settings.Options, _time.GetUtcNow(), _time.GetTimestamp());
            if (before == health.State)
            {
                return;
            }

            if (health.State == HealthState.Healthy && (before == HealthState.Unhealthy || health.IsNewcomer))
            {
                target.Recovered(); // before it becomes eligible: the ramp must stand when the first request comes
            }

            panicChanged = cluster.Recompute();
        }

        if (health.State == HealthState.Healthy)
        {
            Log.Healthy(Logger, clusterId, target.Destination, before == HealthState.Unknown ? "its first check succeeded" : "its checks succeed again");
        }
        else
        {
            Log.Unhealthy(Logger, clusterId, target.Destination, result);
        }

        if (panicChanged && cluster.IsPanicking)
        {
            Log.Panic(Logger, clusterId, cluster.Unhealthy, cluster.Plan.Targets.Count);
        }
        else if (panicChanged)
        {
            Log.PanicOver(Logger, clusterId);
        }
    }

    private IEnumerable<Observation> Observe() =>
        from cluster in _clusters.Values
        from target in cluster.Plan.Targets
        select new Observation(target.Health.State == HealthState.Healthy ? 1 : 0, cluster.Plan.Cluster, target.Destination);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Cluster {Cluster}, destination {Destination} is healthy: {Reason}.")]
        public static partial void Healthy(ILogger logger, string cluster, string destination, string reason);

        [LoggerMessage(LogLevel.Warning, "Cluster {Cluster}, destination {Destination} is unhealthy: {Reason}.")]
        public static partial void Unhealthy(ILogger logger, string cluster, string destination, ProbeResult reason);

        [LoggerMessage(LogLevel.Warning, "Cluster {Cluster}: {Unhealthy} of {Total} destinations are unhealthy, more than PanicThreshold allows; all of them get traffic.")]
        public static partial void Panic(ILogger logger, string cluster, int unhealthy, int total);

        [LoggerMessage(LogLevel.Information, "Cluster {Cluster}: enough destinations are healthy again; only they get traffic.")]
        public static partial void PanicOver(ILogger logger, string cluster);
    }
}
