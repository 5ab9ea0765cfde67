using System.Buffers;
using System.Globalization;
using System.Text;

namespace ResilientProxy.Telemetry.Prometheus;

/// <summary>Writes metric families as text, straight into the response's buffer.</summary>
internal static class ExpositionWriter
{
    private const string TotalSuffix = "_total";

    /// <summary>Units that a metric name may end with, and that OpenMetrics wants to be told.</summary>
    private static readonly string[] Units = ["seconds", "bytes"];

    /// <summary>Writes every family that has a series, by name. Names must be distinct.</summary>
    public static void Write(IBufferWriter<byte> output, IEnumerable<MetricFamily> families, ExpositionFormat format)
    {
        foreach (var family in families.OrderBy(family => family.Name, StringComparer.Ordinal))
        {
            if (family.Collect() is { Length: > 0 } series)
            {
                WriteFamily(output, family, series, format);
            }
        }

        if (format is ExpositionFormat.OpenMetrics)
        {
            Text(output, "# EOF\n");
        }
    }

    private static void WriteFamily(IBufferWriter<byte> output, MetricFamily family, Series[] series, ExpositionFormat format)
    {
        // OpenMetrics names the family of a counter without the _total that its samples carry.
        var openMetrics = format is ExpositionFormat.OpenMetrics;
        var baseName = family.Type is MetricType.Counter && family.Name.EndsWith(TotalSuffix, StringComparison.Ordinal) ? family.Name[..^TotalSuffix.Length] : family.Name;
        var head = openMetrics ? baseName : family.Name;
        Text(output, $"# HELP {head} {EscapeHelp(family.Help, openMetrics)}\n# TYPE {head} {Word(family.Type)}\n");
        if (openMetrics && Units.FirstOrDefault(unit => baseName.EndsWith('_' + unit, StringComparison.Ordinal)) is { } unit)
        {
            Text(output, $"# UNIT {head} {unit}\n");
        }

        foreach (var (labels, value) in series)
        {
            if (value.Distribution is { } distribution)
            {
                WriteHistogram(output, family.Name, labels, distribution, openMetrics);
            }
            else
            {
                Sample(output, openMetrics && family.Type is MetricType.Counter ? baseName + TotalSuffix : family.Name, labels, le: null, value.Number);
            }
        }
    }

    private static void WriteHistogram(IBufferWriter<byte> output, string name, LabelSet labels, HistogramSnapshot distribution, bool openMetrics)
    {
        long below = 0;
        for (var i = 0; i < distribution.Bounds.Count; i++)
        {
            below += distribution.Buckets[i];
            Sample(output, name + "_bucket", labels, Bound(distribution.Bounds[i], openMetrics), below, Exemplar(i));
        }

        Sample(output, name + "_bucket", labels, "+Inf", distribution.Count, Exemplar(distribution.Bounds.Count));
        Sample(output, name + "_sum", labels, le: null, distribution.Sum.TotalSeconds);
        Sample(output, name + "_count", labels, le: null, distribution.Count);

        // The older text format has no place for them: a parser would take them for a time stamp.
        Exemplar? Exemplar(int bucket) => openMetrics && bucket < distribution.Exemplars.Count ? distribution.Exemplars[bucket] : null;
    }

    private static void Sample(IBufferWriter<byte> output, string name, LabelSet labels, string? le, double value, Exemplar? exemplar = null)
    {
        Text(output, name);
        if (labels.Rendered.Length > 0 || le is not null)
        {
            Text(output, "{");
            output.Write(labels.Rendered);
            if (le is not null)
            {
                Text(output, labels.Rendered.Length > 0 ? ",le=\"" : "le=\"");
                Text(output, le);
                Text(output, "\"");
            }

            Text(output, "}");
        }

        Text(output, " ");
        Number(output, value);
        if (exemplar is not null)
        {
            Text(output, string.Create(
                CultureInfo.InvariantCulture,
                $" # {{trace_id=\"{exemplar.TraceId}\"}} {exemplar.Value.TotalSeconds} {exemplar.Time.ToUnixTimeMilliseconds() / 1000.0:0.000}"));
            exemplar.Shown();
        }

        Text(output, "\n");
    }

    /// <summary>OpenMetrics wants bounds as floats ("1.0"), so that one bound is always the same label value.</summary>
    private static string Bound(double bound, bool openMetrics)
    {
        var text = bound.ToString(CultureInfo.InvariantCulture);
        return openMetrics && double.IsInteger(bound) && !text.Contains('E', StringComparison.Ordinal) ? text + ".0" : text;
    }

    private static void Number(IBufferWriter<byte> output, double value)
    {
        if (double.IsFinite(value))
        {
            var written = value.TryFormat(output.GetSpan(32), out var length, provider: CultureInfo.InvariantCulture);
            System.Diagnostics.Debug.Assert(written, "The shortest form of a double has at most 24 characters.");
            output.Advance(length);
            return;
        }

        Text(output, double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    }

    private static string EscapeHelp(string help, bool openMetrics)
    {
        var escaped = help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return openMetrics ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Word(MetricType type) => type switch
    {
        MetricType.Counter => "counter",
        MetricType.Gauge => "gauge",
        _ => "histogram",
    };

    private static void Text(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);
}
