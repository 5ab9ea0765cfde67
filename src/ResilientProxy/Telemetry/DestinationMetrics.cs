namespace ResilientProxy.Telemetry;

/// <summary>What happens to the attempts at one destination. Thread-safe; no verb waits for anything.</summary>
internal sealed class DestinationMetrics
{
    /// <summary>The outcome word of an attempt that did not fail.</summary>
    public const string Success = "success";

    private readonly HandleLifetime _lifetime = new();
    private readonly CounterSet _outcomes;
    private readonly CounterSet _healthChecks;
    private readonly DurationInstrument _duration;
    private readonly UpDownCounter _inFlight;
    private readonly Gauge _circuitState;
    private readonly CounterSet _circuitTransitions;

    public DestinationMetrics(ProxyMetrics metrics, string cluster, string destination)
    {
        var labels = new LabelSet(["cluster", "destination"], [cluster, destination]);
        _duration = new DurationInstrument(metrics.AttemptDuration.With(cluster, destination), metrics.AttemptDurationInstrument, labels, metrics.Time);
        _inFlight = metrics.AttemptsInFlight.With(cluster, destination);
        _circuitState = metrics.CircuitStates.With(cluster, destination);
        _circuitTransitions = new CounterSet(metrics.CircuitTransitions, _lifetime, cluster, destination);
        _outcomes = new CounterSet(metrics.Attempts, _lifetime, cluster, destination);
        _healthChecks = new CounterSet(metrics.HealthChecks, _lifetime, cluster, destination);
        _ = _outcomes[Success]; // first, because it is asked for most
    }

    /// <summary>Attempts that have not ended yet.</summary>
    public long InFlight => _inFlight.Value;

    /// <summary>Times attempts took, since the destination is in the config.</summary>
    public Histogram Durations => _duration.Histogram;

    /// <summary>Attempts that ended, by <see cref="Success"/> or the reason word.</summary>
    public IReadOnlyDictionary<string, long> AttemptsByOutcome => _outcomes.Read();

    /// <summary>Changes of the circuit breaker, by the word of the new state.</summary>
    public IReadOnlyDictionary<string, long> CircuitTransitionsByState => _circuitTransitions.Read();

    /// <summary>An attempt is about to be sent. Each must be followed by one <see cref="AttemptEnded"/>.</summary>
    public void AttemptStarted() => _inFlight.Increment();

    /// <summary>An attempt that was counted by <see cref="AttemptStarted"/> was not sent.</summary>
    public void AttemptNotSent() => _inFlight.Decrement();

    /// <summary>The attempt's outcome is known.</summary>
    /// <param name="outcome"><see cref="Success"/>, or the reason word of the failure: one of a closed list, never text from outside.</param>
    /// <param name="duration">Time since <see cref="AttemptStarted"/>.</param>
    /// <param name="traceId">The trace of its request, to show with the duration; null for none.</param>
    public void AttemptEnded(string outcome, TimeSpan duration, string? traceId = null)
    {
        _inFlight.Decrement();
        _outcomes[outcome].Increment();
        _duration.Record(duration, traceId);
    }

    /// <summary>The destination's circuit breaker changed its state.</summary>
    /// <param name="to">The word of the new one: closed, half_open, open or isolated.</param>
    public void CircuitChanged(string to) => _circuitTransitions[to].Increment();

    /// <summary>What the destination's circuit breaker does from now on; 0 until this is called first.</summary>
    /// <param name="state">0 closed, 1 half-open, 2 open, 3 isolated.</param>
    public void CircuitState(int state) => _circuitState.Set(state);

    /// <summary>An active health check ended.</summary>
    /// <param name="outcome"><see cref="Success"/>, or the reason word of the failure: one of a closed list, never text from outside.</param>
    public void HealthChecked(string outcome) => _healthChecks[outcome].Increment();

    /// <summary>The destination has left the config: from now on this handle makes no new series.</summary>
    internal void End() => _lifetime.End();
}
