using System.Text.Json;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Explain;

/// <summary>Finds the queues that a request may wait in: every object that has a <c>QueueTimeout</c>, unless its queue has no place.</summary>
internal static class Queues
{
    private const string Timeout = ".QueueTimeout";
    private const string Places = ".MaxQueue";

    /// <summary>The queues among the values of a route or of a cluster, with the longest wait in each.</summary>
    /// <param name="owner">Whose values they are, for the words.</param>
    /// <param name="values">The values.</param>
    public static IEnumerable<(string Key, TimeSpan Wait)> In(string owner, IReadOnlyList<ExplainedValue> values)
    {
        foreach (var value in values)
        {
            if (value.Key.EndsWith(Timeout, StringComparison.Ordinal) && Duration.TryParse(value.Text, out var wait) && HasPlaces(value.Key[..^Timeout.Length], values))
            {
                yield return ($"{owner} {value.Key}", wait);
            }
        }
    }

    private static bool HasPlaces(string strategy, IReadOnlyList<ExplainedValue> values) =>
        values.FirstOrDefault(value => value.Key == strategy + Places) is not { Value.ValueKind: JsonValueKind.Number } places || places.Value.GetInt64() > 0;
}
