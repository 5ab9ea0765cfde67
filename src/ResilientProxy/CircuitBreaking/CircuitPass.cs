namespace ResilientProxy.CircuitBreaking;

/// <summary>Leave to make one attempt; its outcome must be recorded exactly once, whatever becomes of the attempt.</summary>
/// <param name="Generation">The time in the circuit's life it belongs to; its outcome means nothing in a later one. The default is no pass.</param>
/// <param name="IsProbe">Whether this attempt decides if the circuit closes.</param>
internal readonly record struct CircuitPass(long Generation, bool IsProbe);
