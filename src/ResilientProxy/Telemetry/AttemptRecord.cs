namespace ResilientProxy.Telemetry;

/// <summary>One attempt in a request's trail.</summary>
/// <param name="Destination">The destination's id, never its address.</param>
/// <param name="Outcome"><c>success</c>, or the reason word.</param>
/// <param name="Duration">From sending until the outcome was known.</param>
internal readonly record struct AttemptRecord(string Destination, string Outcome, TimeSpan Duration);
