namespace ResilientProxy.CircuitBreaking;

/// <summary>A circuit at one moment, for <c>/state</c> and the dashboard.</summary>
/// <param name="State">What it does with attempts.</param>
/// <param name="Since">Since when.</param>
/// <param name="Reason">Why it last changed; null where it never has.</param>
/// <param name="FailuresInWindow">Failed attempts of the sampling time.</param>
/// <param name="SuccessesInWindow">Attempts of the sampling time that did not fail.</param>
/// <param name="ConsecutiveFailures">Failures since the last success.</param>
/// <param name="NextProbeIn">Time until an attempt may pass; zero where one may now.</param>
/// <param name="BreakDuration">The length of this break or of the last one, jitter included; zero where there was none.</param>
/// <param name="ByOperator">Whether an operator holds it in this state.</param>
/// <param name="OperatorUntil">When that ends by itself; null where it does not, or where no operator holds it.</param>
internal sealed record CircuitSnapshot(
    CircuitState State,
    DateTimeOffset Since,
    string? Reason,
    long FailuresInWindow,
    long SuccessesInWindow,
    int ConsecutiveFailures,
    TimeSpan NextProbeIn,
    TimeSpan BreakDuration,
    bool ByOperator,
    DateTimeOffset? OperatorUntil);
