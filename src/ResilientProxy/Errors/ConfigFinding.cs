namespace ResilientProxy.Errors;

/// <summary>How bad a finding in the config is.</summary>
internal enum FindingSeverity
{
    /// <summary>Legal, and unwise: the config is used.</summary>
    Warning,

    /// <summary>The config is refused as a whole.</summary>
    Error,
}

/// <summary>One thing found in the config: where it stands, what it is and what to do about it.</summary>
/// <param name="Severity">Whether the config is refused for it.</param>
/// <param name="Path">The JSON path, from <c>$</c>.</param>
/// <param name="Message">What is wrong, with the offending value, and what to do.</param>
/// <param name="Line">The line in the file, from 1; 0 where the value did not come from the file.</param>
internal sealed record ConfigFinding(FindingSeverity Severity, string Path, string Message, int Line)
{
    /// <summary>The finding as the <c>validate</c> verb prints it.</summary>
    public override string ToString() =>
        $"{(Severity == FindingSeverity.Error ? "error" : "warning")} {Path}: {Message}{(Line > 0 ? $" (line {Line})" : "")}";
}
