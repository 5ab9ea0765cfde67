using ResilientProxy.CircuitBreaking;

namespace ResilientProxy.Admin;

/// <summary>A circuit breaker as the state shows it.</summary>
/// <param name="State"><c>closed</c>, <c>half_open</c>, <c>open</c> or <c>isolated</c>.</param>
/// <param name="Since">Since when.</param>
/// <param name="Reason">Why it last changed; null where it never has.</param>
/// <param name="NextProbeIn">Seconds until an attempt may pass; null where only an operator can end it, 0 where one may pass now.</param>
/// <param name="ByOperator">Whether an operator holds it so.</param>
/// <param name="OperatorUntil">When that ends by itself; null where it does not.</param>
/// <param name="ConsecutiveFailures">Failures since the last success.</param>
/// <param name="FailuresInWindow">Failed attempts of the sampling time.</param>
/// <param name="SuccessesInWindow">Attempts of the sampling time that did not fail.</param>
/// <param name="Scope">What shares it: <c>destination</c>, <c>route</c>, <c>route_destination</c> or <c>cluster</c>.</param>
internal sealed record BreakerState(
    string State,
    DateTimeOffset Since,
    string? Reason,
    double? NextProbeIn,
    bool ByOperator,
    DateTimeOffset? OperatorUntil,
    int ConsecutiveFailures,
    long FailuresInWindow,
    long SuccessesInWindow,
    string Scope)
{
    /// <summary>A circuit at this moment.</summary>
    /// <param name="circuit">The circuit.</param>
    public static BreakerState Of(CircuitBreaker circuit)
    {
        var now = circuit.Snapshot();
        var ends = now.State != CircuitState.Isolated || now.OperatorUntil is not null;
        return new(
            now.State.Word(),
            now.Since,
            now.Reason,
            ends ? Math.Round(now.NextProbeIn.TotalSeconds, 1) : null,
            now.ByOperator,
            now.OperatorUntil,
            now.ConsecutiveFailures,
            now.FailuresInWindow,
            now.SuccessesInWindow,
            WordOf(circuit.Options.Scope));
    }

    /// <summary>Of several circuits the one that keeps most away; null of none.</summary>
    /// <param name="circuits">The circuits.</param>
    public static BreakerState? WorstOf(IReadOnlyList<CircuitBreaker> circuits) => circuits.Count == 0 ? null : Of(circuits.MaxBy(circuit => circuit.State switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        CircuitState.Open => 2,
        _ => 3,
    })!);

    private static string WordOf(CircuitBreakerScope scope) => scope switch
    {
        CircuitBreakerScope.Destination => "destination",
        CircuitBreakerScope.Route => "route",
        CircuitBreakerScope.RouteDestination => "route_destination",
        _ => "cluster",
    };
}
