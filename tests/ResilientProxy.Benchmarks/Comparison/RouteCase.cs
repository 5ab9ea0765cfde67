using System.Diagnostics;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>What thousands of routes cost: a request on one of them, memory, and a reload.</summary>
internal static class RouteCase
{
    /// <summary>Its name among the cases.</summary>
    public const string Name = "routes";

    /// <summary>In words.</summary>
    public const string Title = "GET 100 B on one of many routes, 64 connections";

    /// <summary>The figure of memory.</summary>
    public const string MemoryFigure = "memory of a route, KiB";

    /// <summary>The figure of reloads.</summary>
    public const string ReloadFigure = "reload with 10,000 routes, ms";

    /// <summary>The target with one route.</summary>
    public const string One = "1 route";

    /// <summary>The target with the most.</summary>
    public const string Most = "10,000 routes";

    private const int MostRoutes = 10_000;

    /// <summary>Measures it.</summary>
    /// <param name="contestants">The upstream, and how the proxy is started.</param>
    /// <param name="options">Rounds and seconds.</param>
    /// <param name="slices">Takes the load's figures.</param>
    /// <param name="figures">Takes the others.</param>
    public static async Task MeasureAsync(Contestants contestants, ComparisonOptions options, List<Slice> slices, List<Figure> figures)
    {
        (string Name, int Routes)[] sizes = options.Short ? [(One, 1), (Most, MostRoutes)] : [(One, 1), ("1,000 routes", 1000), (Most, MostRoutes)];
        var targets = new List<TargetProcess>();
        try
        {
            foreach (var (name, routes) in sizes)
            {
                targets.Add(await contestants.StartResilientAsync(name, contestants.UpstreamUrl, routes, http2: false, out _, out _));
            }

            var load = new LoadCase(Name, Title, "/small", 64);
            await LoadRounds.RunAsync(targets, load, options, script: null, slices, warmUpSeconds: options.WarmUpSeconds);
        }
        finally
        {
            targets.ForEach(target => target.Dispose());
        }

        for (var round = 0; round < (options.Short ? 1 : options.Rounds); round++)
        {
            await MeasureReloadAsync(contestants, round, figures);
        }
    }

    // From one route to all of them by a reload: nothing of a start, and all of what the routes need, is in between. Then each one changes.
    private static async Task MeasureReloadAsync(Contestants contestants, int round, List<Figure> figures)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        using var target = await contestants.StartResilientAsync("reloads", contestants.UpstreamUrl, routes: 1, http2: false, out var file, out var adminUrl);
        var few = await File.ReadAllTextAsync(file);
        await Task.Delay(TimeSpan.FromSeconds(2));
        var before = target.ResidentMiB;
        var many = Contestants.ConfigLike(few, MostRoutes);
        await ReloadAsync(client, file, many, adminUrl);
        await Task.Delay(TimeSpan.FromSeconds(5)); // what the reload itself needed is given back, or is not
        figures.Add(new(MemoryFigure, Contestants.Resilient, round, (target.ResidentMiB - before) * 1024 / (MostRoutes - 1)));
        figures.Add(new(ReloadFigure, Contestants.Resilient, round, await ReloadAsync(client, file, many.Replace("\"standard\"", "\"none\"", StringComparison.Ordinal), adminUrl)));
        await Console.Error.WriteLineAsync($"reload with {MostRoutes} routes: round {round + 1}");
    }

    private static async Task<double> ReloadAsync(HttpClient client, string file, string config, string adminUrl)
    {
        await File.WriteAllTextAsync(file + ".new", config);
        File.Move(file + ".new", file, overwrite: true);
        var started = Stopwatch.GetTimestamp();
        using var answer = await client.PostAsync(new Uri(adminUrl + "/reload"), content: null);
        answer.EnsureSuccessStatusCode();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }
}
