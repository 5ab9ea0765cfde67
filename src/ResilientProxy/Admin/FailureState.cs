using ResilientProxy.Telemetry;

namespace ResilientProxy.Admin;

/// <summary>A request that failed or had to be rescued, as the state shows it: what its line of the access log says.</summary>
internal sealed record FailureState(
    DateTimeOffset Time,
    string Route,
    string Cluster,
    string Method,
    string Path,
    int Status,
    string Outcome,
    string? Reason,
    double DurationMs,
    string? TraceId,
    IReadOnlyList<FailureAttempt> Attempts,
    string? Stopped)
{
    // A client may send paths of many kilobytes; a table shows the beginning.
    private const int LongestPath = 200;

    /// <summary>What is known of a request.</summary>
    /// <param name="entry">It.</param>
    public static FailureState Of(AccessLogEntry entry) => new(
        entry.Time,
        entry.Route,
        entry.Cluster,
        entry.Method,
        (entry.Path.Length > LongestPath ? entry.Path[..LongestPath] + "…" : entry.Path) + (entry.HasQuery ? AccessLogText.MaskedQuery : ""),
        entry.Status,
        entry.Outcome.Word(),
        entry.Reason,
        AccessLogText.Milliseconds(entry.Duration),
        entry.TraceId,
        [.. (entry.Attempts ?? []).Select(attempt => new FailureAttempt(attempt.Destination, attempt.Outcome, AccessLogText.Milliseconds(attempt.Duration)))],
        entry.Stopped);
}

/// <summary>One attempt of it.</summary>
/// <param name="Destination">Where it went.</param>
/// <param name="Outcome"><c>success</c>, or the reason word.</param>
/// <param name="DurationMs">How long it took.</param>
internal sealed record FailureAttempt(string Destination, string Outcome, double DurationMs);
