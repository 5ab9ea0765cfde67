namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>Interleaved rounds of load: in each, every target is measured once, one right after the other.</summary>
internal static class LoadRounds
{
    /// <summary>Runs them.</summary>
    /// <param name="targets">The targets.</param>
    /// <param name="load">The requests.</param>
    /// <param name="options">Rounds and seconds.</param>
    /// <param name="script">wrk's script; null for GET.</param>
    /// <param name="slices">Takes the figures.</param>
    /// <param name="warmUpSeconds">Seconds of load before anything is measured.</param>
    public static async Task RunAsync(
        IReadOnlyList<TargetProcess> targets, LoadCase load, ComparisonOptions options, string? script, List<Slice> slices, int warmUpSeconds = 1)
    {
        foreach (var target in targets)
        {
            await Wrk.RunAsync(target.Url, load, warmUpSeconds, script);
        }

        await RunAsync(targets, load.Name, load.Title, options, slices, target => Wrk.RunAsync(target.Url, load, options.Seconds, script));
    }

    /// <summary>Runs them with any generator.</summary>
    /// <param name="targets">The targets.</param>
    /// <param name="name">The case.</param>
    /// <param name="title">The case in words.</param>
    /// <param name="options">Rounds.</param>
    /// <param name="slices">Takes the figures.</param>
    /// <param name="run">Loads a target.</param>
    public static async Task RunAsync(
        IReadOnlyList<TargetProcess> targets, string name, string title, ComparisonOptions options, List<Slice> slices, Func<TargetProcess, Task<WrkResult>> run)
    {
        for (var round = 0; round < options.Rounds; round++)
        {
            for (var i = 0; i < targets.Count; i++)
            {
                var target = targets[(i + round) % targets.Count]; // none is always the one after the same other
                var allocatedBefore = await target.AllocatedAsync();
                var before = target.CpuSeconds;
                var result = await run(target);
                var cpu = target.CpuSeconds - before;
                var allocated = (await target.AllocatedAsync() - allocatedBefore) / result.Requests;
                slices.Add(new(
                    name, target.Name, round, cpu * 1e6 / result.Requests, result.PerSecond, result.P50, result.P99, target.ResidentMiB, allocated, result.Errors));
            }

            await Console.Error.WriteLineAsync($"{title}: round {round + 1} of {options.Rounds}");
        }
    }
}
