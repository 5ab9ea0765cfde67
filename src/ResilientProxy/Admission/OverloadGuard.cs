using ResilientProxy.Telemetry;

namespace ResilientProxy.Admission;

/// <summary>What the guard measures by; tests put their own in.</summary>
/// <param name="MemoryRatio">The share of its memory that the process takes.</param>
/// <param name="MeasureQueueDelay">Measures the delay of the thread pool and tells it, then or later.</param>
/// <param name="Reclaim">Gives back what memory can be given back.</param>
internal sealed record OverloadProbes(Func<double> MemoryRatio, Action<Action<TimeSpan>> MeasureQueueDelay, Action Reclaim)
{
    /// <summary>The real ones.</summary>
    /// <param name="time">The clock.</param>
    public static OverloadProbes Real(TimeProvider time) => new(
        MemoryUse.Ratio,
        new QueueDelay(time).Measure,
        static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));
}

/// <summary>Watches memory and thread pool, and says in <see cref="OverloadState"/> when it is too much. It measures on a timer, never for a request.</summary>
internal sealed partial class OverloadGuard : IDisposable
{
    /// <summary>The reason word for memory.</summary>
    public const string Memory = "memory";

    /// <summary>The reason word for the thread pool.</summary>
    public const string QueueDelayWord = "queue_delay";

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ReclaimPeriod = TimeSpan.FromSeconds(10);

    // Memory is looked at with every fifth sample of the pool: it moves slowly, and reading it costs more.
    private const int MemoryEvery = 5;

    private readonly Lock _lock = new();
    private readonly PressureGauge _memory = new(minimumSamples: 2);
    private readonly PressureGauge _delay = new(minimumSamples: 3);
    private readonly Func<OverloadOptions?> _options;
    private readonly OverloadProbes _probes;
    private readonly TimeProvider _time;
    private readonly OverloadState _state;
    private readonly OverloadMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly long _started;
    private TimeSpan _lastReclaim = -ReclaimPeriod;
    private double _memoryRatio;
    private TimeSpan _queueDelay;
    private int _tick;

    /// <summary>Begins to watch.</summary>
    /// <param name="options">The options in force; null where the guard is off.</param>
    /// <param name="state">Takes what is found.</param>
    /// <param name="metrics">Shows it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="probes">What is measured by; the real ones where none are given.</param>
    public OverloadGuard(
        Func<OverloadOptions?> options, OverloadState state, OverloadMetrics metrics, TimeProvider time, ILogger<OverloadGuard> logger, OverloadProbes? probes = null)
    {
        _options = options;
        _probes = probes ?? OverloadProbes.Real(time);
        _time = time;
        _state = state;
        _metrics = metrics;
        _logger = logger;
        _started = time.GetTimestamp();
        _timer = time.CreateTimer(static guard => ((OverloadGuard)guard!).Tick(), this, Period, Period);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        if (_tick++ % MemoryEvery == 0)
        {
            SampleMemory();
        }

        _probes.MeasureQueueDelay(SampleDelay);
    }

    private void SampleMemory()
    {
        double ratio;
        try
        {
            ratio = _probes.MemoryRatio();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.CannotMeasure(_logger, error); // a figure this system does not give: what is not known limits nothing
            ratio = 0;
        }

        var reclaim = false;
        lock (_lock)
        {
            var now = _time.GetElapsedTime(_started);
            _memoryRatio = ratio;
            _memory.Sample(ratio, _options()?.MaxMemory?.Share ?? double.PositiveInfinity, now);
            Judge_NeedsLock();

            // The runtime gives memory back when it allocates, and a proxy that refuses everything hardly does.
            if (_memory.Level == OverloadLevel.Overloaded && now - _lastReclaim >= ReclaimPeriod)
            {
                _lastReclaim = now;
                reclaim = true;
            }
        }

        if (reclaim)
        {
            _probes.Reclaim();
        }
    }

    private void SampleDelay(TimeSpan delay)
    {
        lock (_lock)
        {
            _queueDelay = delay;
            var limit = _options()?.MaxQueueDelay is { } span && span != Timeout.InfiniteTimeSpan ? span.TotalSeconds : double.PositiveInfinity;
            _delay.Sample(delay.TotalSeconds, limit, _time.GetElapsedTime(_started));
            Judge_NeedsLock();
        }
    }

    private void Judge_NeedsLock()
    {
        var (level, reason) = _memory.Level >= _delay.Level ? (_memory.Level, Memory) : (_delay.Level, QueueDelayWord);
        _metrics.Measured(_memoryRatio, _queueDelay, level == OverloadLevel.Overloaded);
        var before = _state.Level;
        if (level == before && (level == OverloadLevel.None || reason == _state.Reason))
        {
            return;
        }

        _state.Set(level, reason);
        var percent = _memoryRatio * 100;
        var milliseconds = _queueDelay.TotalMilliseconds;
        switch (level)
        {
            case OverloadLevel.Overloaded:
                Log.Overloaded(_logger, reason, percent, milliseconds);
                break;
            case OverloadLevel.Pressed:
                Log.Pressed(_logger, reason, percent, milliseconds);
                break;
            default:
                Log.Relieved(_logger, percent, milliseconds);
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The proxy is overloaded ({Reason}): new requests are refused. Memory {Percent:0} %, thread pool delay {Milliseconds:0} ms.")]
        public static partial void Overloaded(ILogger logger, string reason, double percent, double milliseconds);

        [LoggerMessage(LogLevel.Warning, "The proxy is close to overload ({Reason}): retries and hedges stop. Memory {Percent:0} %, thread pool delay {Milliseconds:0} ms.")]
        public static partial void Pressed(ILogger logger, string reason, double percent, double milliseconds);

        [LoggerMessage(LogLevel.Information, "The proxy is no longer overloaded. Memory {Percent:0} %, thread pool delay {Milliseconds:0} ms.")]
        public static partial void Relieved(ILogger logger, double percent, double milliseconds);

        [LoggerMessage(LogLevel.Debug, "The memory in use cannot be measured.")]
        public static partial void CannotMeasure(ILogger logger, Exception error);
    }
}
