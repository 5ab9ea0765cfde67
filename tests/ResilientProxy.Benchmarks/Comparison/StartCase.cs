namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>Starts of the published proxy, and of bare YARP for comparison.</summary>
internal static class StartCase
{
    /// <summary>Its name among the cases.</summary>
    public const string Name = "start";

    /// <summary>From the start of the process until its first answer came.</summary>
    public const string ToFirstAnswer = "start to first answer, ms";

    /// <summary>Resident memory one second after the first answer.</summary>
    public const string IdleMemory = "resident memory when idle, MiB";

    /// <summary>Measures it.</summary>
    /// <param name="contestants">How they are started.</param>
    /// <param name="rounds">Starts of each.</param>
    /// <param name="figures">Takes the figures.</param>
    public static async Task MeasureAsync(Contestants contestants, int rounds, List<Figure> figures)
    {
        for (var round = 0; round < rounds; round++)
        {
            using (var proxy = await contestants.StartResilientAsync(Contestants.Resilient))
            {
                await AddAsync(proxy, round, figures);
            }

            using (var yarp = await Contestants.StartYarpAsync(contestants.UpstreamUrl))
            {
                await AddAsync(yarp, round, figures);
            }
        }
    }

    private static async Task AddAsync(TargetProcess target, int round, List<Figure> figures)
    {
        await Task.Delay(TimeSpan.FromSeconds(1)); // what the start itself needed is given back, or is not
        figures.Add(new(ToFirstAnswer, target.Name, round, target.ToFirstAnswer.TotalMilliseconds));
        figures.Add(new(IdleMemory, target.Name, round, target.ResidentMiB));
    }
}
