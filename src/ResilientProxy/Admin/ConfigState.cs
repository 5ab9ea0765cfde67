using ResilientProxy.Errors;
using ResilientProxy.Hosting;

namespace ResilientProxy.Admin;

/// <summary>How the last reload went, as the state shows it.</summary>
/// <param name="Path">The config file.</param>
/// <param name="Successful">Whether the file as it was then is in force.</param>
/// <param name="Time">When it was read.</param>
/// <param name="Findings">What was found in it.</param>
internal sealed record ConfigState(string Path, bool Successful, DateTimeOffset Time, IReadOnlyList<FindingState> Findings)
{
    /// <summary>The last reload.</summary>
    /// <param name="reloader">The reloads.</param>
    public static ConfigState Of(ConfigReloader reloader)
    {
        var last = reloader.Last;
        return new(reloader.Path, last.Successful, last.Time, [.. last.Findings.Select(FindingState.Of)]);
    }
}

/// <summary>One finding of it.</summary>
/// <param name="Severity"><c>error</c> or <c>warning</c>.</param>
/// <param name="Path">The JSON path.</param>
/// <param name="Message">What is wrong and what to do.</param>
/// <param name="Line">The line in the file; 0 where it did not come from there.</param>
internal sealed record FindingState(string Severity, string Path, string Message, int Line)
{
    /// <summary>A finding.</summary>
    /// <param name="finding">It.</param>
    public static FindingState Of(ConfigFinding finding) =>
        new(finding.Severity == FindingSeverity.Error ? "error" : "warning", finding.Path, finding.Message, finding.Line);
}
