using System.Globalization;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>What a comparison is asked to measure.</summary>
internal sealed record ComparisonOptions
{
    /// <summary>The arguments there are.</summary>
    public const string Usage = "[--short] [--rounds N] [--seconds S] [--warm-up S] [--cases NAME,…] [--proxy FILE] [--json FILE]";

    /// <summary>The short form of CI: what the goals are about, two targets, less than 90 s.</summary>
    public bool Short { get; init; }

    /// <summary>Rounds; in each, every target is measured once, one right after the other.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Seconds a target is measured for, in each round of each case.</summary>
    public int Seconds { get; init; } = 4;

    /// <summary>Seconds of load a managed target gets before anything is measured.</summary>
    public int WarmUpSeconds { get; init; } = 15;

    /// <summary>The cases to measure; null for all.</summary>
    public IReadOnlyList<string>? Cases { get; init; }

    /// <summary>The published proxy.</summary>
    public string Proxy { get; init; } = "artifacts/resilient-proxy/resilient-proxy";

    /// <summary>Where the figures go.</summary>
    public string Json { get; init; } = "artifacts/benchmark.json";

    /// <summary>Reads the arguments.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <returns>Null where they cannot be read.</returns>
    public static ComparisonOptions? Parse(IReadOnlyList<string> arguments)
    {
        var options = arguments.Contains("--short") ? new ComparisonOptions { Short = true, Rounds = 2, Seconds = 2, WarmUpSeconds = 7, Cases = [ComparisonRunner.Headline, RouteCase.Name] } : new ComparisonOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--short")
            {
                continue;
            }

            var name = arguments[i++];
            if (i == arguments.Count)
            {
                return null;
            }

            var next = (name, arguments[i]) switch
            {
                ("--rounds", var value) when int.TryParse(value, CultureInfo.InvariantCulture, out var rounds) && rounds > 0 => options with { Rounds = rounds },
                ("--seconds", var value) when int.TryParse(value, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 => options with { Seconds = seconds },
                ("--warm-up", var value) when int.TryParse(value, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 => options with { WarmUpSeconds = seconds },
                ("--cases", var value) => options with { Cases = value.Split(',') },
                ("--proxy", var value) => options with { Proxy = value },
                ("--json", var value) => options with { Json = value },
                _ => null,
            };
            if (next is null)
            {
                return null;
            }

            options = next;
        }

        return options;
    }
}
