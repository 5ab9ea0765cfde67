using System.Globalization;

namespace ResilientProxy.TestSupport;

/// <summary>A scrape of the proxy's metrics, for sums.</summary>
/// <param name="text">The page.</param>
public sealed class MetricsText(string text)
{
    private readonly string[] _lines = text.Split('\n');

    /// <summary>Reads the metrics of a proxy.</summary>
    /// <param name="adminUrl">Its admin endpoint.</param>
    public static async Task<MetricsText> ReadAsync(string adminUrl)
    {
        using var client = new HttpClient();
        return new(await client.GetStringAsync(new Uri(adminUrl + "/metrics")));
    }

    /// <summary>The sum of all series of a family that have these labels.</summary>
    /// <param name="name">The family's name.</param>
    /// <param name="labels">Each as exposed, such as <c>outcome="success"</c>.</param>
    public double Sum(string name, params string[] labels) => _lines
        .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is ' ' or '{')
        .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
        .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));
}
