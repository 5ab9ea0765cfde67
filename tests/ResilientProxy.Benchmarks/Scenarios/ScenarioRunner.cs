namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>Runs scenarios one after the other and says which figures hold.</summary>
internal static class ScenarioRunner
{
    private static readonly (string Name, Func<Report, Task> Run)[] All = [.. AttemptScenarios.All, .. UploadScenarios.All, .. ProtectionScenarios.All];

    /// <summary>What there is.</summary>
    public static IEnumerable<string> Names => All.Select(scenario => scenario.Name);

    /// <summary>Runs those that are named, or all.</summary>
    /// <param name="names">The names.</param>
    /// <returns>The exit code: 0 where everything holds.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> names)
    {
        if (names.Except(Names).FirstOrDefault() is { } unknown)
        {
            await Console.Error.WriteLineAsync($"there is no scenario \"{unknown}\"");
            return 2;
        }

        var holds = 0;
        var run = All.Where(scenario => names.Count == 0 || names.Contains(scenario.Name)).ToArray();
        foreach (var (name, scenario) in run)
        {
            var report = new Report(name);
            await scenario(report);
            report.Print();
            holds += report.Holds ? 1 : 0;
        }

        await Console.Out.WriteLineAsync($"{holds} of {run.Length} scenarios hold");
        return holds == run.Length ? 0 : 1;
    }
}
