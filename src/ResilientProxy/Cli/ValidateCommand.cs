using ResilientProxy.Configuration;
using ResilientProxy.Errors;

namespace ResilientProxy.Cli;

/// <summary><c>validate</c>: checks everything that <c>run</c> would refuse, and warns of what is legal and unwise.</summary>
internal static class ValidateCommand
{
    /// <summary>Checks a config.</summary>
    /// <param name="file">The config file.</param>
    /// <param name="variables">Environment variables that may override it.</param>
    /// <param name="overrides">Arguments that override it.</param>
    /// <param name="output">Takes one line a finding, and a line that sums up.</param>
    /// <param name="errors">Takes why the file cannot be read.</param>
    /// <returns>The exit code.</returns>
    public static int Run(
        string file, IEnumerable<KeyValuePair<string, string>> variables, IReadOnlyList<string> overrides, TextWriter output, TextWriter errors)
    {
        IReadOnlyList<ConfigFinding> findings;
        try
        {
            findings = ConfigFile.Load(file, variables, overrides).Findings;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            errors.WriteLine($"resilient-proxy: {file} cannot be read: {error.Message}");
            return ExitCode.Usage;
        }

        foreach (var finding in findings)
        {
            output.WriteLine(finding.ToString());
        }

        var wrong = findings.Count(finding => finding.Severity == FindingSeverity.Error);
        var unwise = findings.Count - wrong;
        output.WriteLine(wrong == 0 ? $"{file}: ok, {unwise} warnings" : $"{file}: {wrong} errors, {unwise} warnings");
        return wrong == 0 ? ExitCode.Success : ExitCode.InvalidConfig;
    }
}
