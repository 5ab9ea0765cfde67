using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;

namespace ResilientProxy.Forwarding;

/// <summary>Where an attempt goes, with its place there taken; or why it goes nowhere.</summary>
/// <param name="Destination">Where; null for nowhere.</param>
/// <param name="Circuit">The circuit it passed; null where there is none.</param>
/// <param name="Pass">What the circuit gave it; its outcome must be told to the circuit once.</param>
/// <param name="Refusal">Why nowhere; null exactly where there is a destination.</param>
/// <param name="RetryAfter">When it may be worth another try, where it goes nowhere.</param>
internal readonly record struct Choice(
    ProxyDestination? Destination, CircuitBreaker? Circuit, CircuitPass Pass, ProxyError? Refusal, TimeSpan RetryAfter)
{
    /// <summary>Nowhere.</summary>
    /// <param name="why">Why.</param>
    /// <param name="retryAfter">When it may be worth another try.</param>
    public static Choice None(ProxyError why, TimeSpan retryAfter) => new(null, null, default, why, retryAfter);
}
