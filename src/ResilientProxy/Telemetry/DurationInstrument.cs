using System.Diagnostics.Metrics;

namespace ResilientProxy.Telemetry;

/// <summary>One series of durations: our histogram always, the public instrument only while somebody listens to it.</summary>
internal readonly struct DurationInstrument(Histogram histogram, Histogram<double> instrument, LabelSet labels, TimeProvider time)
{
    /// <summary>The durations so far.</summary>
    public Histogram Histogram => histogram;

    /// <summary>Records a duration.</summary>
    /// <param name="duration">The duration.</param>
    /// <param name="traceId">The trace it belongs to, 32 hexadecimal digits; null for none.</param>
    public void Record(TimeSpan duration, string? traceId = null)
    {
        histogram.Record(duration, traceId, time);
        if (instrument.Enabled)
        {
            instrument.Record(duration.TotalSeconds, labels.Tags);
        }
    }
}
