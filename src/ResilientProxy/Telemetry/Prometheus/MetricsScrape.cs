using System.Buffers;
using Microsoft.Extensions.Primitives;

namespace ResilientProxy.Telemetry.Prometheus;

/// <summary>Everything <c>/metrics</c> answers: the proxy's own metrics and the runtime's.</summary>
/// <remarks>
/// Reading takes no lock that a request could wait for. The text is written whole before the caller flushes: about 100 bytes a series.
/// </remarks>
internal sealed class MetricsScrape(ProxyMetrics metrics, RuntimeMetrics runtime)
{
    /// <summary>Writes a scrape in the form that the scraper asks for.</summary>
    /// <param name="accept">The request's Accept header as it came, or nothing.</param>
    /// <param name="output">The response's body; nothing is flushed, so the content type can still be set afterwards.</param>
    /// <returns>The content type of what was written.</returns>
    public string Write(StringValues accept, IBufferWriter<byte> output)
    {
        var format = ExpositionFormats.Negotiate(accept);
        Write(output, format);
        return format.ContentType();
    }

    /// <summary>Writes a scrape in a form that is already chosen.</summary>
    public void Write(IBufferWriter<byte> output, ExpositionFormat format) =>
        ExpositionWriter.Write(output, metrics.Registry.Families.Concat(runtime.Collect()), format);
}
