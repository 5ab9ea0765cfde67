namespace ResilientProxy.Health;

/// <summary>What active checks know of one destination. It outlives the reloads that keep the destination.</summary>
/// <remarks>Written under the <see cref="HealthMonitor"/>'s lock only; read by anybody at any time.</remarks>
internal sealed class DestinationHealth
{
    private volatile HealthState _state;
    private volatile bool _isChecked;
    private volatile bool _isEligible = true;
    private volatile string? _reason;
    private long _lastCheckTicks;
    private long _healthySince;
    private int _successes;
    private int _failures;

    /// <summary>Whether traffic may go there as far as health is concerned: the one question of the request path.</summary>
    public bool IsEligible => _isEligible;

    /// <summary>Whether active checks run for it.</summary>
    public bool IsChecked => _isChecked;

    /// <summary>What is known; healthy where nobody checks.</summary>
    public HealthState State => _isChecked ? _state : HealthState.Healthy;

    /// <summary>When the last check ended; null before the first, and where nobody checks.</summary>
    public DateTimeOffset? LastCheck =>
        Volatile.Read(ref _lastCheckTicks) is var ticks and not 0 && _isChecked ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Why the last check failed; null where it did not.</summary>
    public string? Reason => _isChecked ? _reason : null;

    /// <summary>The clock's timestamp at which it became healthy; 0 where it never did.</summary>
    public long HealthySince => Volatile.Read(ref _healthySince);

    /// <summary>Checks in a row that succeeded, up to the last.</summary>
    public int Successes => Volatile.Read(ref _successes);

    /// <summary>Checks in a row that failed, up to the last.</summary>
    public int Failures => Volatile.Read(ref _failures);

    /// <summary>It joined a cluster that others were serving already: when first found healthy it is ramped up like a recovered one.</summary>
    internal bool IsNewcomer { get; set; }

    /// <summary>Checks are switched on or off; what was learned while they were off is nothing.</summary>
    internal void SetChecked(bool isChecked)
    {
        if (_isChecked == isChecked)
        {
            return;
        }

        _state = HealthState.Unknown;
        _successes = _failures = 0;
        _reason = null;
        Volatile.Write(ref _lastCheckTicks, 0);
        _isChecked = isChecked;
    }

    internal void SetEligible(bool isEligible) => _isEligible = isEligible;

    /// <summary>Takes a check's result in.</summary>
    /// <param name="result">The result.</param>
    /// <param name="options">The thresholds.</param>
    /// <param name="now">The time of day.</param>
    /// <param name="timestamp">The clock's timestamp.</param>
    /// <returns>The state before.</returns>
    internal HealthState Learn(ProbeResult result, HealthCheckOptions options, DateTimeOffset now, long timestamp)
    {
        var before = _state;
        Volatile.Write(ref _lastCheckTicks, now.UtcTicks);
        if (result.IsSuccess)
        {
            _reason = null;
            _failures = 0;
            _successes++;
            if (before == HealthState.Unknown || (before == HealthState.Unhealthy && _successes >= options.HealthyThreshold))
            {
                Volatile.Write(ref _healthySince, timestamp);
                _state = HealthState.Healthy;
            }
        }
        else
        {
            _reason = result.ToString();
            _successes = 0;
            _failures++;
            if (_failures >= options.UnhealthyThreshold)
            {
                _state = HealthState.Unhealthy;
            }
        }

        return before;
    }
}
