using ResilientProxy.Errors;

namespace ResilientProxy.Configuration;

/// <summary>What came of reading a config: a config that may be used, or the errors that forbid it.</summary>
/// <param name="Config">The config; null exactly when <paramref name="Findings"/> holds an error.</param>
/// <param name="Findings">Every error and warning, in the order of the file.</param>
internal sealed record ConfigResult(ProxyConfig? Config, IReadOnlyList<ConfigFinding> Findings);
