namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>One target in one round of one case.</summary>
/// <param name="Case">The case.</param>
/// <param name="Target">The target.</param>
/// <param name="Round">The round, from 0.</param>
/// <param name="CpuMicroseconds">CPU time of the target's process for a request.</param>
/// <param name="PerSecond">Requests a second.</param>
/// <param name="P50">Median latency, ms.</param>
/// <param name="P99">99th percentile of the latency, ms.</param>
/// <param name="ResidentMiB">Resident memory at the end of it.</param>
/// <param name="AllocatedBytes">Bytes of the managed heap for a request; null where the target has none.</param>
/// <param name="Errors">Requests that got no good answer.</param>
internal sealed record Slice(
    string Case, string Target, int Round, double CpuMicroseconds, double PerSecond, double P50, double P99, double ResidentMiB, double? AllocatedBytes, long Errors);

/// <summary>The middle of some figures, with the lowest and the highest.</summary>
/// <param name="Median">The median.</param>
/// <param name="Min">The lowest.</param>
/// <param name="Max">The highest.</param>
internal readonly record struct Spread(double Median, double Min, double Max)
{
    /// <summary>Of some figures.</summary>
    /// <param name="values">At least one.</param>
    public static Spread Of(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        var middle = ordered.Length / 2;
        return new(ordered.Length % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2, ordered[0], ordered[^1]);
    }
}

/// <summary>Figures put against each other.</summary>
internal static class Slices
{
    /// <summary>The slices of a target in a case.</summary>
    public static Slice[] Of(this IEnumerable<Slice> slices, string load, string target) => [.. slices.Where(slice => slice.Case == load && slice.Target == target)];

    /// <summary>
    /// A target against another, round by round: what slowed one slice of a round has most likely slowed the one next to it. Null where one of
    /// the two was not measured.
    /// </summary>
    public static Spread? Ratio(this IReadOnlyCollection<Slice> slices, string load, string target, string reference, Func<Slice, double> figure)
    {
        var ratios = slices.Of(load, target).Join(slices.Of(load, reference), slice => slice.Round, slice => slice.Round, (one, other) => figure(one) / figure(other)).ToArray();
        return ratios.Length == 0 ? null : Spread.Of(ratios);
    }
}
