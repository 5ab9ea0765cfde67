namespace ResilientProxy.Cli.Demo;

/// <summary>One part of the demo: what the upstreams do, and for which share of the whole.</summary>
/// <param name="Words">It in words.</param>
/// <param name="Share">Its share of the demo's time, 0 to 1.</param>
/// <param name="Moods">The upstreams that are not well, by name.</param>
internal sealed record Phase(string Words, double Share, IReadOnlyDictionary<string, Mood> Moods);

/// <summary>What goes wrong in the demo, and when.</summary>
internal static class Timetable
{
    /// <summary>The names of the upstreams: three that do the same, and one that is alone.</summary>
    public static readonly IReadOnlyList<string> Upstreams = ["a", "b", "c", "single"];

    /// <summary>The demo's length as it is shown.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(2);

    /// <summary>The parts in their order; their shares add up to one.</summary>
    public static readonly IReadOnlyList<Phase> Phases =
    [
        Of("all are well", 0.125),
        Of("b answers 503", 0.15, ("b", Mood.Failing)),
        Of("b recovers", 0.1),
        Of("c turns slow: 2 s an answer", 0.15, ("c", Mood.Slow)),
        Of("c recovers", 0.1),
        Of("a hangs: it never answers", 0.15, ("a", Mood.Hanging)),
        Of("single answers 503, a hangs on", 0.125, ("a", Mood.Hanging), ("single", Mood.Failing)),
        Of("all recover", 0.1),
    ];

    private static Phase Of(string words, double share, params IEnumerable<(string Name, Mood Mood)> moods) =>
        new(words, share, moods.ToDictionary(static mood => mood.Name, static mood => mood.Mood));
}
