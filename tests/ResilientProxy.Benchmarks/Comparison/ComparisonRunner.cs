using ResilientProxy.Benchmarks.Scenarios;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>Measures ResilientProxy next to other proxies on the same machine at the same time: ratios, as the figures alone say little about another machine.</summary>
internal static class ComparisonRunner
{
    /// <summary>The case of the headline: its ratio is what CI watches.</summary>
    public const string Headline = "get-64";

    /// <summary>At a fixed rate, half of what bare YARP can do.</summary>
    public const string HalfCapacity = "half-capacity";

    // What the proxy promises against bare YARP, and the room CI leaves above it for a noisy machine.
    private const double PromisedRatio = 0.90;
    private const double Room = 1.15;

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

        if (options.Cases?.Except(LoadCase.All.Select(load => load.Name)).FirstOrDefault() is { } unknown)
        {
            await Console.Error.WriteLineAsync($"there is no case \"{unknown}\": there are {string.Join(", ", LoadCase.All.Select(load => load.Name))}");
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
        await WarmUpAsync(contestants, options);
        foreach (var load in LoadCase.All.Where(load => options.Cases?.Contains(load.Name) != false))
        {
            await MeasureAsync(contestants, load, options, slices);
        }

        IReadOnlyList<Start> starts = [];
        if (!options.Short)
        {
            await MeasureLatencyAsync(contestants, options, slices);
            starts = await MeasureStartAsync(contestants, options.Rounds);
        }

        var results = new ComparisonResults(options, slices, starts);
        results.Print();
        results.Write(options.Json);
        return Judge(options, slices);
    }

    private static int Judge(ComparisonOptions options, List<Slice> slices)
    {
        var failed = slices.Sum(slice => slice.Errors);
        if (failed > 0)
        {
            Console.WriteLine($"{failed} requests got no good answer: the figures are not to be trusted");
            return 1;
        }

        if (!options.Short || slices.Ratio(Headline, Contestants.Resilient, Contestants.Yarp, slice => slice.CpuMicroseconds) is not { } ratio)
        {
            return 0;
        }

        var bound = PromisedRatio * Room;
        Console.WriteLine(FormattableString.Invariant($"{(ratio.Median <= bound ? "holds" : "FAILS")}: {ratio.Median:0.00} of bare YARP's CPU, bound {bound:0.000}"));
        return ratio.Median <= bound ? 0 : 1;
    }

    // Until the runtime has compiled the hot path for good: it counts calls, then measures, then compiles once more, on the same cores.
    private static async Task WarmUpAsync(Contestants contestants, ComparisonOptions options)
    {
        foreach (var target in contestants.Targets)
        {
            await Wrk.RunAsync(target.Url, LoadCase.All.Single(load => load.Name == Headline), target.AllocatedUrl is null ? 1 : options.WarmUpSeconds, script: null);
        }
    }

    private static async Task MeasureAsync(Contestants contestants, LoadCase load, ComparisonOptions options, List<Slice> slices)
    {
        var script = contestants.ScriptOf(load);
        var targets = contestants.Targets.Where(target => load.Variants || target.Name is not (Contestants.ResilientNone or Contestants.ResilientLog)).ToArray();
        foreach (var target in targets)
        {
            await Wrk.RunAsync(target.Url, load, 1, script);
        }

        for (var round = 0; round < options.Rounds; round++)
        {
            for (var i = 0; i < targets.Length; i++)
            {
                var target = targets[(i + round) % targets.Length]; // none is always the one after the same other
                var allocatedBefore = await target.AllocatedAsync();
                var before = target.CpuSeconds;
                var result = await Wrk.RunAsync(target.Url, load, options.Seconds, script);
                var cpu = target.CpuSeconds - before;
                var allocated = (await target.AllocatedAsync() - allocatedBefore) / result.Requests;
                slices.Add(new(
                    load.Name, target.Name, round, cpu * 1e6 / result.Requests, result.PerSecond, result.P50, result.P99, target.ResidentMiB, allocated, result.Errors));
            }

            await Console.Error.WriteLineAsync($"{load.Title}: round {round + 1} of {options.Rounds}");
        }
    }

    // Latency of callers who do not wait for each other, which a closed loop such as wrk's cannot show.
    private static async Task MeasureLatencyAsync(Contestants contestants, ComparisonOptions options, List<Slice> slices)
    {
        var measured = slices.Of(Headline, Contestants.Yarp);
        if (measured.Length == 0)
        {
            return;
        }

        var rate = (int)(Spread.Of(measured.Select(slice => slice.PerSecond)).Median / 2);
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 });
        var targets = contestants.Targets.Where(target => target.Name is not (Contestants.ResilientNone or Contestants.ResilientLog)).ToArray();
        foreach (var target in targets)
        {
            await OpenLoop.RunAsync(client, rate, TimeSpan.FromSeconds(1), _ => new(HttpMethod.Get, target.Url + "/small"));
        }

        for (var round = 0; round < options.Rounds; round++)
        {
            for (var i = 0; i < targets.Length; i++)
            {
                var target = targets[(i + round) % targets.Length];
                var before = target.CpuSeconds;
                var samples = await OpenLoop.RunAsync(client, rate, TimeSpan.FromSeconds(options.Seconds), _ => new(HttpMethod.Get, target.Url + "/small"));
                var cpu = target.CpuSeconds - before;
                slices.Add(new(
                    HalfCapacity, target.Name, round, cpu * 1e6 / samples.Length, rate, samples.Percentile(0.5), samples.Percentile(0.99), target.ResidentMiB, AllocatedBytes: null,
                    samples.Count(sample => !sample.Succeeded)));
            }

            await Console.Error.WriteLineAsync($"{rate} requests a second: round {round + 1} of {options.Rounds}");
        }
    }

    private static async Task<IReadOnlyList<Start>> MeasureStartAsync(Contestants contestants, int rounds)
    {
        var starts = new List<Start>();
        for (var round = 0; round < rounds; round++)
        {
            using var proxy = await contestants.StartResilientAsync(Contestants.Resilient);
            await Task.Delay(TimeSpan.FromSeconds(1)); // what the start itself needed is given back, or is not
            starts.Add(new(proxy.ToFirstAnswer.TotalMilliseconds, proxy.ResidentMiB));
        }

        return starts;
    }
}

/// <summary>A start of the published proxy.</summary>
/// <param name="ToFirstAnswerMilliseconds">From the start of the process until its first answer came.</param>
/// <param name="IdleMiB">Resident memory one second later.</param>
internal readonly record struct Start(double ToFirstAnswerMilliseconds, double IdleMiB);
