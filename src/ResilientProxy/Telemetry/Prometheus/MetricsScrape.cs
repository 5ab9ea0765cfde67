using System.Buffers;

namespace ResilientProxy.Telemetry.Prometheus;

/// <summary>Everything <c>/metrics</c> answers: the proxy's own metrics and the runtime's.</summary>
/// <remarks>
/// Reading takes no lock that a request could wait for. The text is written whole before the caller flushes: about 100 bytes a series.
/// </remarks>
internal sealed class MetricsScrape(ProxyMetrics metrics, RuntimeMetrics runtime)
{
    public void Write(IBufferWriter<byte> output, ExpositionFormat format) =>
        ExpositionWriter.Write(output, metrics.Registry.Families.Concat(runtime.Collect()), format);
}
