using ResilientProxy.Configuration;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Explain;
using ResilientProxy.Errors;

namespace ResilientProxy.Cli;

/// <summary><c>explain</c>: the policy in force for each route, where each value comes from, and what follows from it.</summary>
internal static class ExplainCommand
{
    /// <summary>Explains a config.</summary>
    /// <param name="file">The config file.</param>
    /// <param name="route">The one route to explain; null for all.</param>
    /// <param name="asJson">Whether a program reads it.</param>
    /// <param name="variables">Environment variables that may override the file.</param>
    /// <param name="overrides">Arguments that override the file.</param>
    /// <param name="output">Takes the explanation, or the findings where the config has errors.</param>
    /// <param name="errors">Takes why there is nothing to explain.</param>
    /// <returns>The exit code.</returns>
    public static int Run(
        string file,
        string? route,
        bool asJson,
        IEnumerable<KeyValuePair<string, string>> variables,
        IReadOnlyList<string> overrides,
        TextWriter output,
        TextWriter errors)
    {
        ConfigResult result;
        try
        {
            result = ConfigFile.Load(file, variables, overrides);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            errors.WriteLine($"resilient-proxy: {file} cannot be read: {error.Message}");
            return ExitCode.Usage;
        }

        if (result.Config is not { } config)
        {
            WriteErrors(file, asJson, result.Findings, output);
            return ExitCode.InvalidConfig;
        }

        var chosen = route is null ? config.Routes : [.. config.Routes.Where(entry => entry.Yarp.RouteId.Equals(route, StringComparison.OrdinalIgnoreCase))];
        if (route is not null && chosen.Count == 0)
        {
            errors.WriteLine($"resilient-proxy: there is no route \"{route}\"{NearestName.Hint(route, config.Routes.Select(entry => entry.Yarp.RouteId))}");
            return ExitCode.Usage;
        }

        var explained = chosen.Select(entry => RouteExplanation.Of(config, entry));
        if (asJson)
        {
            output.WriteLine(ExplainJson.Write(explained, result.Findings));
            return ExitCode.Success;
        }

        foreach (var one in explained)
        {
            ExplainText.Write(one, output);
        }

        // Warnings are about the whole file: they stand below, whichever route was asked for.
        foreach (var finding in result.Findings)
        {
            output.WriteLine(finding.ToString());
        }

        return ExitCode.Success;
    }

    private static void WriteErrors(string file, bool asJson, IReadOnlyList<ConfigFinding> findings, TextWriter output)
    {
        if (asJson)
        {
            output.WriteLine(ExplainJson.Write([], findings));
            return;
        }

        foreach (var finding in findings)
        {
            output.WriteLine(finding.ToString());
        }

        output.WriteLine($"{file}: {findings.Count(finding => finding.Severity == FindingSeverity.Error)} errors; nothing is explained");
    }
}
