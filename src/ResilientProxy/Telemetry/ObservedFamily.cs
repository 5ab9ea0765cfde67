namespace ResilientProxy.Telemetry;

/// <summary>One value computed for a scrape.</summary>
/// <param name="Value">The value.</param>
/// <param name="Labels">Label values, in the order of the family's names.</param>
internal readonly record struct Observation(double Value, params string[] Labels);

/// <summary>A family whose values others know and are asked for at each scrape: what leaves their state leaves the scrape with it.</summary>
/// <remarks>A label set that is told twice is exported once, with the last value: a scrape with duplicates would be refused as a whole.</remarks>
internal sealed class ObservedFamily(string name, string help, MetricType type, string[] labelNames) : MetricFamily(name, help, type)
{
    private readonly Lock _lock = new();
    private volatile Func<IEnumerable<Observation>>[] _sources = [];

    /// <summary>Asks <paramref name="source"/> at each scrape from now on; it must be thread-safe and quick.</summary>
    public void ObserveWith(Func<IEnumerable<Observation>> source)
    {
        lock (_lock)
        {
            _sources = [.. _sources, source];
        }
    }

    protected override Series[] Read()
    {
        var series = new Dictionary<string, Series>(StringComparer.Ordinal);
        foreach (var observation in _sources.SelectMany(source => source()))
        {
            // U+001F separates: no label value from a config file holds it.
            series[string.Join('\u001f', observation.Labels)] = new Series(new LabelSet(labelNames, observation.Labels), new MetricValue(observation.Value));
        }

        return [.. series.Values];
    }
}
