using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace ResilientProxy.Telemetry;

/// <summary>The measurements of an instrument that is not ours, by the tags they come with.</summary>
/// <remarks>
/// Several instruments may feed one family: each web application has a meter of its own for Kestrel. Tags come in the same order every
/// time, so they are looked up as they are, without allocation.
/// </remarks>
internal sealed class InstrumentFamily : MetricFamily
{
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], (LabelSet Labels, IMetric Metric)> _series = new(TagsComparer.Instance);
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], (LabelSet Labels, IMetric Metric)>.AlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>> _byTags;
    private readonly Func<IMetric> _create;
    private readonly int _maxSeries;
    private readonly Counter _overflowed;
    private readonly Lock _lock = new();

    private InstrumentFamily(string name, string help, MetricType type, Func<IMetric> create, int maxSeries, Counter overflowed)
        : base(name, help, type)
    {
        _create = create;
        _maxSeries = maxSeries;
        _overflowed = overflowed;
        _byTags = _series.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
    }

    /// <summary>A family of the kind that <paramref name="instrument"/> is, under its exported name.</summary>
    public static InstrumentFamily For(Instrument instrument, int maxSeries, Counter overflowed)
    {
        var (type, create) = Kind(instrument);
        var help = string.IsNullOrWhiteSpace(instrument.Description) ? $"The instrument {instrument.Name} of {instrument.Meter.Name}." : instrument.Description;
        return new InstrumentFamily(InstrumentName.Exported(instrument.Name, instrument.Unit, type), help, type, create, maxSeries, overflowed);
    }

    /// <summary>Takes in one measurement: a change for counters, the value itself for what is observed, a duration in seconds for histograms.</summary>
    public void Record(double value, bool observed, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        switch (_byTags.TryGetValue(tags, out var found) ? found.Metric : Add(tags))
        {
            case Histogram histogram:
                histogram.Record(value);
                break;
            case UpDownCounter counter:
                counter.Add((long)value);
                break;
            case Gauge gauge when observed:
                gauge.Set(value);
                break;
            case Gauge gauge:
                gauge.Add(value);
                break;
        }
    }

    protected override Series[] Read() => [.. _series.Select(entry => new Series(entry.Value.Labels, entry.Value.Metric.Read()))];

    private IMetric Add(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_lock)
        {
            if (_byTags.TryGetValue(tags, out var found))
            {
                return found.Metric;
            }

            var key = tags.ToArray();
            if (_series.Count >= _maxSeries)
            {
                // Its series may exist already, then it is the one more than the bound.
                _overflowed.Increment();
                key = [.. key.Select(tag => KeyValuePair.Create(tag.Key, (object?)LabelledFamily<Counter>.Overflow))];
                if (_series.TryGetValue(key, out found))
                {
                    return found.Metric;
                }
            }

            var labels = new LabelSet([.. key.Select(tag => InstrumentName.Label(tag.Key))], [.. key.Select(tag => Text(tag.Value))]);
            var metric = _create();
            _series[key] = (labels, metric);
            return metric;
        }
    }

    private static (MetricType Type, Func<IMetric> Create) Kind(Instrument instrument) => instrument switch
    {
        // .NET publishes these two as counters though they fall again; as counters, every fall would look like a restart.
        { Name: "dotnet.thread_pool.thread.count" or "dotnet.thread_pool.queue.length" } => (MetricType.Gauge, static () => new Gauge()),

        // Counted by .NET's client and observed of our own: a metric that takes both.
        { Name: "http.client.open_connections" } => (MetricType.Gauge, static () => new Gauge()),
        Histogram<double> histogram => (MetricType.Histogram, () => new Histogram(histogram.Advice?.HistogramBucketBoundaries ?? Histogram.DefaultBounds)),
        Counter<long> => (MetricType.Counter, static () => new UpDownCounter()),
        UpDownCounter<long> => (MetricType.Gauge, static () => new UpDownCounter()),
        Counter<double> or ObservableCounter<long> or ObservableCounter<int> or ObservableCounter<double> => (MetricType.Counter, static () => new Gauge()),
        _ => (MetricType.Gauge, static () => new Gauge()),
    };

    private static string Text(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private sealed class TagsComparer :
        IEqualityComparer<KeyValuePair<string, object?>[]>,
        IAlternateEqualityComparer<ReadOnlySpan<KeyValuePair<string, object?>>, KeyValuePair<string, object?>[]>
    {
        public static readonly TagsComparer Instance = new();

        public KeyValuePair<string, object?>[] Create(ReadOnlySpan<KeyValuePair<string, object?>> alternate) => alternate.ToArray();

        public bool Equals(KeyValuePair<string, object?>[]? x, KeyValuePair<string, object?>[]? y) => Equals(x.AsSpan(), y!);

        public bool Equals(ReadOnlySpan<KeyValuePair<string, object?>> alternate, KeyValuePair<string, object?>[] other)
        {
            if (alternate.Length != other.Length)
            {
                return false;
            }

            for (var i = 0; i < other.Length; i++)
            {
                if (alternate[i].Key != other[i].Key || !Equals(alternate[i].Value, other[i].Value))
                {
                    return false;
                }
            }

            return true;
        }

        public int GetHashCode(KeyValuePair<string, object?>[] obj) => GetHashCode(obj.AsSpan());

        // Names differ little between the series of one instrument: hashing the values is enough, and half the work.
        public int GetHashCode(ReadOnlySpan<KeyValuePair<string, object?>> alternate)
        {
            var hash = alternate.Length;
            foreach (var tag in alternate)
            {
                hash = HashCode.Combine(hash, tag.Value);
            }

            return hash;
        }
    }
}
