namespace ResilientProxy.Telemetry;

/// <summary>What one series says at the moment of a scrape.</summary>
/// <param name="Number">The value of a counter or gauge; for a histogram unused.</param>
/// <param name="Distribution">A histogram's buckets, or null for counters and gauges.</param>
internal readonly record struct MetricValue(double Number, HistogramSnapshot? Distribution = null);

/// <summary>Something with a value to export: a counter, a gauge or a histogram.</summary>
internal interface IMetric
{
    /// <summary>The value now; takes no lock that a recording thread could wait for.</summary>
    MetricValue Read();
}
