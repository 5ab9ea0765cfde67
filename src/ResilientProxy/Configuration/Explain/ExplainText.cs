using System.Globalization;
using System.Text.Json;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Explain;

/// <summary>Writes explanations for people: a block for each route, values and origins in columns.</summary>
internal static class ExplainText
{
    // A body written in the config would push the origins off the screen.
    private const int LongestValue = 48;

    /// <summary>Writes one route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="output">Where to.</param>
    public static void Write(RouteExplanation route, TextWriter output)
    {
        var (load, time) = (route.Load, route.Time);
        output.WriteLine($"route {route.Id}: policy {route.PolicyName}, cluster {Name(route.Cluster)}{(route.Backup is { } other ? $", falls back to {Name(other)}" : "")}");
        output.WriteLine();
        Fact("worst-case time to an answer", Bound(time.Worst), time.Arithmetic);
        if (!ReferenceEquals(time.Arithmetic, time.AttemptsArithmetic))
        {
            Fact("  without Timeouts.Total", Bound(time.Attempts), time.AttemptsArithmetic);
        }

        Fact("most attempts of one request", load.MaxAttempts.ToString(CultureInfo.InvariantCulture), load.Arithmetic);
        Fact("largest load amplification", string.Create(CultureInfo.InvariantCulture, $"{load.MaxAttempts}x"), "one request, when everything fails");
        Fact("  sustained", string.Create(CultureInfo.InvariantCulture, $"{load.Sustained}x"), load.SustainedArithmetic);
        output.WriteLine();

        Section("policy", route.Policy);
        Section(route.IsProtected ? $"cluster {route.Cluster.Id}" : $"cluster {route.Cluster.Id}; under the policy \"none\" its circuits and its bulkhead do not count", route.Cluster.Values);
        if (route.Backup is { } backup)
        {
            Section($"cluster {backup.Id}", backup.Values);
        }

        void Fact(string name, string value, string why) => output.WriteLine($"  {name,-30}{value,-10}{why}".TrimEnd());

        void Section(string title, IReadOnlyList<ExplainedValue> values)
        {
            output.WriteLine($"  {title}");
            var keys = values.Max(value => value.Key.Length);
            var texts = values.Max(value => Short(value).Length);
            foreach (var value in values)
            {
                output.WriteLine($"    {value.Key.PadRight(keys)}  {Short(value).PadRight(texts)}  {value.Origin}");
            }

            output.WriteLine();
        }
    }

    private static string Name(ClusterExplanation cluster) =>
        string.Create(CultureInfo.InvariantCulture, $"{cluster.Id} ({cluster.Destinations} destination{(cluster.Destinations == 1 ? "" : "s")})");

    private static string Bound(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? "none" : Duration.Format(time);

    private static string Short(ExplainedValue value)
    {
        var line = value.Text.ReplaceLineEndings(" ");
        return value.Value.ValueKind != JsonValueKind.String || line.Length <= LongestValue ? line : line[..(LongestValue - 1)] + "…";
    }
}
