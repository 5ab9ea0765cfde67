namespace ResilientProxy.Telemetry;

/// <summary>What the overload guard measures and refuses. Thread-safe; no verb waits for anything.</summary>
internal sealed class OverloadMetrics
{
    private readonly LabelledFamily<Counter> _rejected;
    private readonly Gauge _memoryRatio;
    private readonly Gauge _queueDelay;
    private readonly Gauge _active;

    /// <summary>Registers the families.</summary>
    /// <param name="registry">Where.</param>
    public OverloadMetrics(MetricRegistry registry)
    {
        _rejected = registry.Counter("overload_rejected_total", "Requests refused because the proxy itself was overloaded, by what was short.", "reason");
        _rejected.With("memory");
        _rejected.With("queue_delay");
        _memoryRatio = registry.Gauge("overload_memory_ratio", "The share of the memory it may have that the process takes.").With();
        _queueDelay = registry.Gauge("overload_queue_delay_seconds", "How long work waited for a thread of the pool when last measured.").With();
        _active = registry.Gauge("overload_active", "1 while new requests are refused because the proxy itself is overloaded.").With();
    }

    /// <summary>A request was refused.</summary>
    /// <param name="reason">What was short: one of a closed list.</param>
    public void Rejected(string reason) => _rejected.With(reason).Increment();

    /// <summary>The guard has measured.</summary>
    /// <param name="memoryRatio">The share of the memory taken.</param>
    /// <param name="queueDelay">The delay of the thread pool.</param>
    /// <param name="isActive">Whether new requests are refused.</param>
    public void Measured(double memoryRatio, TimeSpan queueDelay, bool isActive)
    {
        _memoryRatio.Set(memoryRatio);
        _queueDelay.Set(queueDelay.TotalSeconds);
        _active.Set(isActive ? 1 : 0);
    }
}
