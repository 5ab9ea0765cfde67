using System.Diagnostics.Metrics;

namespace ResilientProxy.Telemetry;

/// <summary>One series of durations: our histogram always, the public instrument only while somebody listens to it.</summary>
internal readonly struct DurationInstrument(Histogram histogram, Histogram<double> instrument, LabelSet labels)
{
    /// <summary>The durations so far.</summary>
    public Histogram Histogram => histogram;

    public void Record(TimeSpan duration)
    {
        histogram.Record(duration);
        if (instrument.Enabled)
        {
            instrument.Record(duration.TotalSeconds, labels.Tags);
        }
    }
}
