using System.Collections;
using System.CommandLine;
using ResilientProxy.Configuration;

namespace ResilientProxy.Cli;

/// <summary>The verbs and what they take.</summary>
internal static class CommandLine
{
    /// <summary>The config file of a command that names none.</summary>
    public const string DefaultConfig = "config/proxy.json";

    /// <summary>Runs the verb the arguments name.</summary>
    /// <param name="args">The arguments.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("A reverse proxy that keeps a failing upstream from costing its callers anything.") { TreatUnmatchedTokensAsErrors = false };
        var rootConfig = ConfigOption();
        root.Options.Add(rootConfig);
        root.SetAction((parsed, _) => WithOverrides(parsed, overrides => RunCommand.RunAsync(parsed.GetValue(rootConfig)!, Variables(), overrides)));

        root.Subcommands.Add(ConfigVerb("run", "Serve: read the config, listen, reload on change and on SIGHUP, drain on SIGTERM.", RunCommand.RunAsync));
        root.Subcommands.Add(ConfigVerb("validate", "Check a config: one line a finding, exit code 1 where run would refuse it.", (file, variables, overrides) =>
            Task.FromResult(ValidateCommand.Run(file, variables, overrides, Console.Out, Console.Error))));
        root.Subcommands.Add(ExplainVerb());
        root.Subcommands.Add(PlainVerb("schema", "Print the JSON Schema of the config.", () => Task.FromResult(SchemaCommand.Run(Console.Out))));
        root.Subcommands.Add(DemoVerb());

        var result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
            {
                await Console.Error.WriteLineAsync($"resilient-proxy: {error.Message}");
            }

            await Console.Error.WriteLineAsync("resilient-proxy --help says what there is.");
            return ExitCode.Usage;
        }

        // Signals are the verbs' own: the library's handling would end the process before a drain is done.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    private static Command ConfigVerb(
        string name, string description, Func<string, IReadOnlyList<KeyValuePair<string, string>>, IReadOnlyList<string>, Task<int>> run)
    {
        var command = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        var config = ConfigOption();
        command.Options.Add(config);
        command.SetAction((parsed, _) => WithOverrides(parsed, overrides => run(parsed.GetValue(config)!, Variables(), overrides)));
        return command;
    }

    private static Command ExplainVerb()
    {
        var command = new Command("explain", "Show the policy in force for each route, where each value comes from, the worst-case time and the most attempts.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        var config = ConfigOption();
        var route = new Option<string?>("--route", "-r") { Description = "Explain this route only.", HelpName = "ID" };
        var json = new Option<bool>("--json") { Description = "Write JSON, for programs." };
        command.Options.Add(config);
        command.Options.Add(route);
        command.Options.Add(json);
        command.SetAction((parsed, _) => WithOverrides(parsed, overrides => Task.FromResult(ExplainCommand.Run(
            parsed.GetValue(config)!, parsed.GetValue(route), parsed.GetValue(json), Variables(), overrides, Console.Out, Console.Error))));
        return command;
    }

    private static Command PlainVerb(string name, string description, Func<Task<int>> run)
    {
        var command = new Command(name, description);
        command.SetAction((_, _) => run());
        return command;
    }

    private static Command DemoVerb()
    {
        var command = new Command("demo", "The two-minute tour: upstreams that misbehave on a timetable, the proxy in front, a light load, the dashboard.");
        var seconds = new Option<int>("--seconds")
        {
            Hidden = true, // for tests: the same timetable, faster
            DefaultValueFactory = static _ => (int)Demo.Timetable.Length.TotalSeconds,
        };
        seconds.Validators.Add(result =>
        {
            if (result.GetValue(seconds) < 1)
            {
                result.AddError("--seconds must be at least 1.");
            }
        });
        command.Options.Add(seconds);
        command.SetAction((parsed, _) => DemoCommand.RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds))));
        return command;
    }

    private static Option<string> ConfigOption() => new("--config", "-c")
    {
        Description = "The config file.",
        DefaultValueFactory = static _ => DefaultConfig,
        HelpName = "FILE",
    };

    // What is no option of ours must be a config key of the form --Section:Key=value (or two tokens).
    private static async Task<int> WithOverrides(ParseResult parsed, Func<IReadOnlyList<string>, Task<int>> run)
    {
        var overrides = parsed.UnmatchedTokens;
        var expectsValue = false;
        foreach (var token in overrides)
        {
            if (expectsValue)
            {
                expectsValue = false;
            }
            else if (token.StartsWith("--", StringComparison.Ordinal) && (token.Contains(':') || ConfigFile.IsSection(token[2..].Split('=')[0])))
            {
                expectsValue = !token.Contains('=');
            }
            else
            {
                await Console.Error.WriteLineAsync(
                    $"resilient-proxy: \"{token}\" is no verb and no option; a config key is overridden by --Section:Key=value.");
                return ExitCode.Usage;
            }
        }

        if (expectsValue)
        {
            await Console.Error.WriteLineAsync($"resilient-proxy: {overrides[^1]} has no value; write {overrides[^1]}=value.");
            return ExitCode.Usage;
        }

        return await run(overrides);
    }

    private static List<KeyValuePair<string, string>> Variables() =>
        [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value ?? ""))];
}
