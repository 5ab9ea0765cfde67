namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>A figure that is no slice of load: memory, a time to start or to reload.</summary>
/// <param name="Name">What it is of, with its unit.</param>
/// <param name="Target">The target.</param>
/// <param name="Round">The round, from 0.</param>
/// <param name="Value">The figure.</param>
internal sealed record Figure(string Name, string Target, int Round, double Value);
