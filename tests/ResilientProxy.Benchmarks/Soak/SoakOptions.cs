using System.Globalization;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>What a soak is asked to do.</summary>
internal sealed record SoakOptions
{
    /// <summary>The arguments there are.</summary>
    public const string Usage = "[--minutes N] [--rps N] [--calm] [--short] [--seed N] [--proxy FILE]";

    /// <summary>How long the load lasts, in minutes.</summary>
    public double Minutes { get; init; } = 30;

    /// <summary>Requests a second.</summary>
    public int PerSecond { get; init; } = 250;

    /// <summary>A steady load without faults, reloads and churn: what is left is what the proxy itself grows by.</summary>
    public bool Calm { get; init; }

    /// <summary>What the dice of clients and upstreams begin with.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The published proxy; null for the one that was built with this program.</summary>
    public string? Proxy { get; init; }

    /// <summary>Reads the arguments.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <returns>Null where they cannot be read.</returns>
    public static SoakOptions? Parse(IReadOnlyList<string> arguments)
    {
        var options = new SoakOptions();
        if (arguments.Contains("--calm"))
        {
            options = options with { Calm = true, Minutes = 5, PerSecond = 1000 };
        }

        if (arguments.Contains("--short"))
        {
            options = options with { Minutes = 3, PerSecond = Math.Min(options.PerSecond, 150) };
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] is "--calm" or "--short")
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
                ("--minutes", var value) when double.TryParse(value, CultureInfo.InvariantCulture, out var minutes) && minutes > 0 => options with { Minutes = minutes },
                ("--rps", var value) when int.TryParse(value, CultureInfo.InvariantCulture, out var rate) && rate > 0 => options with { PerSecond = rate },
                ("--seed", var value) when int.TryParse(value, CultureInfo.InvariantCulture, out var seed) => options with { Seed = seed },
                ("--proxy", var value) => options with { Proxy = value },
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
