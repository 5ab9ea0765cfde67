using ResilientProxy.Benchmarks.Scenarios;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>Latency of callers who do not wait for each other, which a closed loop such as wrk's cannot show: the same rate for every target.</summary>
internal static class HalfCapacityCase
{
    /// <summary>Its name among the cases.</summary>
    public const string Name = "half-capacity";

    /// <summary>In words.</summary>
    public const string Title = "GET 100 B at half of bare YARP's capacity, open loop";

    /// <summary>Measures it.</summary>
    /// <param name="targets">The targets.</param>
    /// <param name="options">Rounds and seconds.</param>
    /// <param name="slices">Holds bare YARP's capacity by the headline's case, and takes the figures.</param>
    public static async Task MeasureAsync(IReadOnlyList<TargetProcess> targets, ComparisonOptions options, List<Slice> slices)
    {
        var measured = slices.Of(ComparisonRunner.Headline, Contestants.Yarp);
        if (measured.Length == 0)
        {
            await Console.Error.WriteLineAsync($"{Name} is left out: its rate follows from {ComparisonRunner.Headline}, which was not asked for");
            return;
        }

        var rate = (int)(Spread.Of(measured.Select(slice => slice.PerSecond)).Median / 2);
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 });
        foreach (var target in targets)
        {
            await LoadAsync(target, seconds: 1);
        }

        await LoadRounds.RunAsync(targets, Name, Title, options, slices, target => LoadAsync(target, options.Seconds));

        async Task<WrkResult> LoadAsync(TargetProcess target, int seconds)
        {
            var samples = await OpenLoop.RunAsync(client, rate, TimeSpan.FromSeconds(seconds), _ => new(HttpMethod.Get, target.Url + "/small"));
            return new(samples.Length, rate, samples.Percentile(0.5), samples.Percentile(0.99), samples.Count(sample => !sample.Succeeded));
        }
    }
}
