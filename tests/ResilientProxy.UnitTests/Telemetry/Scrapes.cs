using System.Buffers;
using System.Text;
using ResilientProxy.Telemetry;
using ResilientProxy.Telemetry.Prometheus;

namespace ResilientProxy.UnitTests.Telemetry;

/// <summary>Scrapes as text, for assertions.</summary>
internal static class Scrapes
{
    public static string Scrape(this ProxyMetrics metrics, ExpositionFormat format = ExpositionFormat.Prometheus) =>
        Text(metrics.Registry.Families, format);

    public static string Text(IEnumerable<MetricFamily> families, ExpositionFormat format = ExpositionFormat.Prometheus)
    {
        var output = new ArrayBufferWriter<byte>();
        ExpositionWriter.Write(output, families, format);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>The value of one sample, by its exact name and labels; null where there is none.</summary>
    public static string? Sample(this string scrape, string series) =>
        scrape.Split('\n').SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal))?[(series.Length + 1)..];
}
