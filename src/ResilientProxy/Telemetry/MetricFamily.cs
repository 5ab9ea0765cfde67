namespace ResilientProxy.Telemetry;

/// <summary>The kinds of metric that are exported.</summary>
internal enum MetricType
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One series of a family, as read for one scrape.</summary>
internal readonly record struct Series(LabelSet Labels, MetricValue Value);

/// <summary>All series of one metric name.</summary>
/// <param name="name">The full exported name, <c>_total</c> of counters included.</param>
/// <param name="help">One sentence for the reader of a dashboard.</param>
/// <param name="type">Counter, gauge or histogram.</param>
internal abstract class MetricFamily(string name, string help, MetricType type)
{
    public string Name => name;

    public string Help => help;

    public MetricType Type => type;

    /// <summary>Every series once, in an order that is the same at every scrape.</summary>
    public Series[] Collect()
    {
        var series = Read();
        Array.Sort(series, static (a, b) => a.Labels.Rendered.AsSpan().SequenceCompareTo(b.Labels.Rendered));
        return series;
    }

    /// <summary>Drops every series that <paramref name="keep"/> does not want; nothing to do where series are not kept.</summary>
    public virtual void Retain(Func<LabelSet, bool> keep)
    {
    }

    /// <summary>Every series once, in any order.</summary>
    protected abstract Series[] Read();
}
