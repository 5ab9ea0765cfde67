using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace ResilientProxy.Telemetry;

/// <summary>The metric families of one running proxy, for the scrape and, by their full names, as instruments of a <see cref="Meter"/>.</summary>
/// <remarks>Counters and gauges are observable instruments: they read the handles when somebody listens and cost nothing otherwise.</remarks>
internal sealed class MetricRegistry : IDisposable
{
    /// <summary>Series a family may have unless told otherwise: beyond it, label sets share one series, and a scrape stays readable.</summary>
    public const int DefaultMaxSeries = 10_000;

    private const string Prefix = "resilient_proxy_";

    private readonly ConcurrentDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly int _maxSeries;

    public MetricRegistry(int maxSeries = DefaultMaxSeries)
    {
        _maxSeries = maxSeries;
        Overflowed = new Counter();
        Observed("metrics_overflowed_total", "Label sets that got no series of their own because their metric had too many.", MetricType.Counter)
            .ObserveWith(() => [new Observation(Overflowed.Value)]);
    }

    /// <summary>The meter that carries the instruments; every proxy of a process has its own under the same name.</summary>
    public Meter Meter { get; } = new("ResilientProxy", typeof(MetricRegistry).Assembly.GetName().Version?.ToString(3));

    /// <summary>Every family, in no particular order.</summary>
    public IEnumerable<MetricFamily> Families => _families.Values;

    /// <summary>Label sets that got no series of their own.</summary>
    public Counter Overflowed { get; }

    /// <summary>A family of counters; <paramref name="name"/> without prefix, with <c>_total</c>.</summary>
    public LabelledFamily<Counter> Counter(string name, string help, params string[] labels) =>
        Add(new LabelledFamily<Counter>(Prefix + name, help, MetricType.Counter, labels, static () => new Counter(), _maxSeries, Overflowed));

    /// <summary>A family of gauges that are set.</summary>
    public LabelledFamily<Gauge> Gauge(string name, string help, params string[] labels) =>
        Add(new LabelledFamily<Gauge>(Prefix + name, help, MetricType.Gauge, labels, static () => new Gauge(), _maxSeries, Overflowed));

    /// <summary>A family of gauges that go up and down on the request path.</summary>
    public LabelledFamily<UpDownCounter> UpDownCounter(string name, string help, params string[] labels) =>
        Add(new LabelledFamily<UpDownCounter>(Prefix + name, help, MetricType.Gauge, labels, static () => new UpDownCounter(), _maxSeries, Overflowed));

    /// <summary>A family of histograms with <see cref="Telemetry.Histogram.DefaultBounds"/>; its instrument comes by <see cref="Distribution"/>.</summary>
    public LabelledFamily<Histogram> Histogram(string name, string help, params string[] labels) =>
        Add(new LabelledFamily<Histogram>(Prefix + name, help, MetricType.Histogram, labels, static () => new Histogram(), _maxSeries, Overflowed));

    /// <summary>A family whose values are computed at each scrape by the callbacks it is given.</summary>
    public ObservedFamily Observed(string name, string help, MetricType type, params string[] labels) =>
        Add(new ObservedFamily(Prefix + name, help, type, labels));

    /// <summary>The instrument for a family of histograms: there is no observable kind, so the values must be recorded there too, when it is enabled.</summary>
    public Histogram<double> Distribution(LabelledFamily<Histogram> family) =>
        Meter.CreateHistogram(family.Name, "s", family.Help, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Telemetry.Histogram.DefaultBounds });

    /// <summary>Takes the instruments away from whoever listens; the families can still be read.</summary>
    public void Dispose() => Meter.Dispose();

    private TFamily Add<TFamily>(TFamily family)
        where TFamily : MetricFamily
    {
        if (!_families.TryAdd(family.Name, family))
        {
            throw new InvalidOperationException($"There is a metric {family.Name} already.");
        }

        IEnumerable<Measurement<double>> Observe() => family.Collect().Select(series => new Measurement<double>(series.Value.Number, series.Labels.Tags));

        // The meter keeps the instrument alive, nobody else needs it.
        _ = family.Type switch
        {
            MetricType.Counter => (Instrument)Meter.CreateObservableCounter(family.Name, Observe, unit: null, family.Help),
            MetricType.Gauge => Meter.CreateObservableGauge(family.Name, Observe, unit: null, family.Help),
            _ => null,
        };
        return family;
    }
}
