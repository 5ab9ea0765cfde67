using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace ResilientProxy.Telemetry;

/// <summary>A family whose series are made on demand, one per set of label values, and kept by their users as handles.</summary>
/// <remarks>
/// Only making and dropping a series takes the lock. A scrape walks the concurrent dictionary without one and recording never comes
/// here, so neither waits for the other.
/// </remarks>
internal sealed class LabelledFamily<TMetric> : MetricFamily
    where TMetric : class, IMetric
{
    /// <summary>The value of every label of the series that stands for all those beyond the bound.</summary>
    public const string Overflow = "(overflow)";

    private readonly string[] _labelNames;
    private readonly Func<TMetric> _create;
    private readonly int _maxSeries;
    private readonly Counter _overflowed;
    private readonly ConcurrentDictionary<string[], (LabelSet Labels, TMetric Metric)> _series = new(LabelValuesComparer.Instance);
    private readonly Lock _lock = new();
    private int _count;
    private TMetric? _overflow;

    /// <param name="name">The full exported name.</param>
    /// <param name="help">One sentence for the reader of a dashboard.</param>
    /// <param name="type">Counter, gauge or histogram.</param>
    /// <param name="labelNames">In the order in which values are given later.</param>
    /// <param name="create">Makes one series.</param>
    /// <param name="maxSeries">How many series there may be, the overflow series not counted.</param>
    /// <param name="overflowed">Counts the label sets that got no series of their own.</param>
    public LabelledFamily(string name, string help, MetricType type, string[] labelNames, Func<TMetric> create, int maxSeries, Counter overflowed)
        : base(name, help, type)
    {
        _labelNames = labelNames;
        _create = create;
        _maxSeries = maxSeries;
        _overflowed = overflowed;
    }

    /// <summary>The series with these label values, made now if there is none yet.</summary>
    public TMetric With(params string[] values) => With(owner: null, values);

    /// <summary>The same on behalf of a handle: once that has ended it gets a metric that no scrape shows, unless the series is another handle's too.</summary>
    public TMetric With(HandleLifetime? owner, params string[] values)
    {
        if (_series.TryGetValue(values, out var found))
        {
            return found.Metric;
        }

        lock (_lock)
        {
            if (_series.TryGetValue(values, out found))
            {
                return found.Metric;
            }

            // Read inside the lock: a lifetime ends before Retain comes for the lock, so what is added here in time is still found there.
            if (owner is { HasEnded: true })
            {
                return _create();
            }

            if (_count >= _maxSeries)
            {
                _overflowed.Increment();
                return _overflow ??= Add_NeedsLock([.. _labelNames.Select(_ => Overflow)]);
            }

            _count++;
            return Add_NeedsLock(values);
        }
    }

    /// <summary>Drops every series that <paramref name="keep"/> does not want. Who still holds its handle records into the void.</summary>
    public override void Retain(Func<LabelSet, bool> keep)
    {
        lock (_lock)
        {
            foreach (var (values, (labels, metric)) in _series)
            {
                if (!ReferenceEquals(metric, _overflow) && !keep(labels) && _series.TryRemove(values, out _))
                {
                    _count--;
                }
            }
        }
    }

    protected override Series[] Read() => [.. _series.Select(entry => new Series(entry.Value.Labels, entry.Value.Metric.Read()))];

    private TMetric Add_NeedsLock(string[] values)
    {
        var metric = _create();
        _series[values] = (new LabelSet(_labelNames, values), metric);
        return metric;
    }

    private sealed class LabelValuesComparer : IEqualityComparer<string[]>
    {
        public static readonly LabelValuesComparer Instance = new();

        public bool Equals(string[]? x, string[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] string[] obj)
        {
            var hash = new HashCode();
            foreach (var value in obj)
            {
                hash.Add(value);
            }

            return hash.ToHashCode();
        }
    }
}
