namespace ResilientProxy.CircuitBreaking;

/// <summary>A circuit changed its state.</summary>
/// <param name="From">The state before.</param>
/// <param name="To">The state now; never the same.</param>
/// <param name="Reason">Why, in words for a log line, such as "5 consecutive failures" or "probe succeeded".</param>
internal sealed record CircuitTransition(CircuitState From, CircuitState To, string Reason);
