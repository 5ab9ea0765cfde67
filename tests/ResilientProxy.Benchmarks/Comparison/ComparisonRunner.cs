namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>Measures ResilientProxy next to other proxies on the same machine at the same time: ratios, as the figures alone say little about another machine.</summary>
internal static class ComparisonRunner
{
    /// <summary>The case of the headline: its ratio is what CI watches.</summary>
    public const string Headline = "get-64";

    private static readonly string[] Needed = ["nginx", "wrk"];

    /// <summary>Runs it.</summary>
    /// <param name="arguments">See <see cref="ComparisonOptions.Usage"/>.</param>
    /// <returns>The exit code: 1 where the short form's ratio is over its bound, or a request got no good answer; 2 where nothing can be measured.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (ComparisonOptions.Parse(arguments) is not { } options)
        {
            await Console.Error.WriteLineAsync("usage: compare " + ComparisonOptions.Usage);
            return 2;
        }

        string[] known = [.. LoadCase.All.Select(load => load.Name), Http2Case.Name, HalfCapacityCase.Name, RouteCase.Name, StreamCase.Name, StartCase.Name];
        if (options.Cases?.Except(known).FirstOrDefault() is { } unknown)
        {
            await Console.Error.WriteLineAsync($"there is no case \"{unknown}\": there are {string.Join(", ", known)}");
            return 2;
        }

        if (!File.Exists(options.Proxy))
        {
            await Console.Error.WriteLineAsync(
                $"{options.Proxy} is not there: dotnet publish src/ResilientProxy -c Release -r linux-x64 -p:PublishReadyToRun=true -o artifacts/resilient-proxy");
            return 2;
        }

        if (Needed.FirstOrDefault(program => !Contestants.IsInstalled(program)) is { } missing)
        {
            await Console.Error.WriteLineAsync($"{missing} is not installed: apt-get install nginx-light wrk haproxy");
            return 2;
        }

        using var contestants = await Contestants.StartAsync(options.Proxy, options.Short);
        var slices = new List<Slice>();
        var figures = new List<Figure>();
        var notes = new List<string>();
        var plain = contestants.Targets.Where(target => target.Name is not (Contestants.ResilientNone or Contestants.ResilientLog)).ToArray();
        LoadCase[] loads = [.. LoadCase.All.Where(load => Asked(load.Name))];
        if (loads.Length > 0 || Asked(HalfCapacityCase.Name))
        {
            await WarmUpAsync(contestants, options);
        }

        foreach (var load in loads)
        {
            await LoadRounds.RunAsync(load.Variants ? contestants.Targets : plain, load, options, contestants.ScriptOf(load), slices);
        }

        if (Asked(Http2Case.Name))
        {
            if (Http2Case.Obstacle is { } obstacle)
            {
                notes.Add(obstacle);
            }
            else
            {
                await Http2Case.MeasureAsync(contestants, options, slices);
            }
        }

        if (Asked(HalfCapacityCase.Name))
        {
            await HalfCapacityCase.MeasureAsync(plain, options, slices);
        }

        contestants.EndTargets(); // what comes now starts its own, and has the machine for itself
        if (Asked(StartCase.Name))
        {
            await StartCase.MeasureAsync(contestants, Math.Max(options.Rounds, 10), figures);
        }

        if (Asked(RouteCase.Name))
        {
            await RouteCase.MeasureAsync(contestants, options, slices, figures);
        }

        if (Asked(StreamCase.Name))
        {
            await StreamCase.MeasureAsync(contestants, options, figures);
        }

        if (!options.Short)
        {
            notes.AddRange(((string[])["haproxy", "caddy"]).Where(program => !Contestants.IsInstalled(program)).Select(program => $"{program} is not installed here and was not measured"));
        }

        var results = new ComparisonResults(options, slices, figures, notes);
        results.Print();
        results.Write(options.Json);
        return Judge(results, options, slices);

        bool Asked(string name) => options.Cases?.Contains(name) != false;
    }

    private static int Judge(ComparisonResults results, ComparisonOptions options, List<Slice> slices)
    {
        var holds = Goal.Judge(results);
        var failed = slices.Sum(slice => slice.Errors);
        if (failed > 0)
        {
            Console.WriteLine($"{failed} requests got no good answer: the figures are not to be trusted");
            return 1;
        }

        return holds || !options.Short ? 0 : 1;
    }

    // Until the runtime has compiled the hot path for good: it counts calls, then measures, then compiles once more, on the same cores.
    private static async Task WarmUpAsync(Contestants contestants, ComparisonOptions options)
    {
        foreach (var target in contestants.Targets)
        {
            await Wrk.RunAsync(target.Url, LoadCase.All.Single(load => load.Name == Headline), target.AllocatedUrl is null ? 1 : options.WarmUpSeconds, script: null);
        }
    }
}
