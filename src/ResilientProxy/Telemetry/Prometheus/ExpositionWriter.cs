using System.Buffers;
using System.Globalization;
using System.Text;

namespace ResilientProxy.Telemetry.Prometheus;

/// <summary>Writes metric families as text, straight into the response's buffer.</summary>
internal static class ExpositionWriter
{
    private const string TotalSuffix = "_total";

    /// <summary>Bytes of a line besides name, labels and bound: the number, which takes at most 24, and what stands between.</summary>
    private const int RestOfLine = 40;

    /// <summary>From here on a double is written with an exponent.</summary>
    private const double LargestPlainNumber = 1e15;

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

        // What all the lines of a family have in common is made once: a large config has tens of thousands of lines.
        if (family.Type is MetricType.Histogram)
        {
            WriteHistograms(output, family.Name, series, openMetrics);
            return;
        }

        var name = Encoding.UTF8.GetBytes(openMetrics && family.Type is MetricType.Counter ? baseName + TotalSuffix : family.Name);
        foreach (var (labels, value) in series)
        {
            Sample(output, name, labels, le: [], value.Number);
        }
    }

    private static void WriteHistograms(IBufferWriter<byte> output, string name, Series[] series, bool openMetrics)
    {
        var bucketName = Encoding.UTF8.GetBytes(name + "_bucket");
        var sumName = Encoding.UTF8.GetBytes(name + "_sum");
        var countName = Encoding.UTF8.GetBytes(name + "_count");
        IReadOnlyList<double>? bounds = null;
        byte[][] le = [];
        foreach (var (labels, value) in series)
        {
            var distribution = value.Distribution!;
            if (!ReferenceEquals(bounds, distribution.Bounds))
            {
                bounds = distribution.Bounds;
                le = [.. bounds.Select(bound => Bound(bound, openMetrics)).Append("+Inf").Select(bound => Encoding.UTF8.GetBytes($"le=\"{bound}\""))];
            }

            long below = 0;
            for (var bucket = 0; bucket < le.Length; bucket++)
            {
                below += distribution.Buckets[bucket];

                // The older text format has no place for exemplars: a parser would take them for a time stamp.
                var exemplar = openMetrics && bucket < distribution.Exemplars.Count ? distribution.Exemplars[bucket] : null;
                Sample(output, bucketName, labels, le[bucket], below, exemplar);
            }

            Sample(output, sumName, labels, le: [], distribution.Sum.TotalSeconds);
            Sample(output, countName, labels, le: [], distribution.Count);
        }
    }

    private static void Sample(
        IBufferWriter<byte> output, ReadOnlySpan<byte> name, LabelSet labels, ReadOnlySpan<byte> le, double value, Exemplar? exemplar = null)
    {
        var line = output.GetSpan(name.Length + labels.Rendered.Length + le.Length + RestOfLine);
        name.CopyTo(line);
        var length = name.Length;
        if (labels.Rendered.Length > 0 || le.Length > 0)
        {
            line[length++] = (byte)'{';
            labels.Rendered.CopyTo(line[length..]);
            length += labels.Rendered.Length;
            if (le.Length > 0)
            {
                if (labels.Rendered.Length > 0)
                {
                    line[length++] = (byte)',';
                }

                le.CopyTo(line[length..]);
                length += le.Length;
            }

            line[length++] = (byte)'}';
        }

        line[length++] = (byte)' ';
        length += Number(line[length..], value);
        if (exemplar is null)
        {
            line[length++] = (byte)'\n';
            output.Advance(length);
            return;
        }

        output.Advance(length);
        Text(output, string.Create(
            CultureInfo.InvariantCulture,
            $" # {{trace_id=\"{exemplar.TraceId}\"}} {exemplar.Value.TotalSeconds} {exemplar.Time.ToUnixTimeMilliseconds() / 1000.0:0.000}\n"));
        exemplar.Shown();
    }

    /// <summary>OpenMetrics wants bounds as floats ("1.0"), so that one bound is always the same label value.</summary>
    private static string Bound(double bound, bool openMetrics)
    {
        var text = bound.ToString(CultureInfo.InvariantCulture);
        return openMetrics && double.IsInteger(bound) && !text.Contains('E', StringComparison.Ordinal) ? text + ".0" : text;
    }

    private static int Number(Span<byte> output, double value)
    {
        int length;
        if (double.IsFinite(value))
        {
            // Most are counts, and those are written faster as what they are; up to here both texts are the same.
            var written = double.IsInteger(value) && Math.Abs(value) < LargestPlainNumber
                ? ((long)value).TryFormat(output, out length, provider: CultureInfo.InvariantCulture)
                : value.TryFormat(output, out length, provider: CultureInfo.InvariantCulture);
            System.Diagnostics.Debug.Assert(written, "The shortest form of a double has at most 24 characters.");
            return length;
        }

        var word = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8;
        word.CopyTo(output);
        return word.Length;
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
