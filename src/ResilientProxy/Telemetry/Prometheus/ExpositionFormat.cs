using Microsoft.Net.Http.Headers;

namespace ResilientProxy.Telemetry.Prometheus;

/// <summary>The two text forms a scraper can ask for.</summary>
internal enum ExpositionFormat
{
    /// <summary>Prometheus text format 0.0.4.</summary>
    Prometheus,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetrics,
}

/// <summary>Choosing a form and naming it.</summary>
internal static class ExpositionFormats
{
    /// <summary>OpenMetrics where the client asks for its version 1 at least as much as for plain text, otherwise Prometheus text, which everything reads.</summary>
    /// <param name="accept">The Accept header, possibly several; null or malformed means no wish.</param>
    public static ExpositionFormat Negotiate(IList<string>? accept)
    {
        if (accept is null || !MediaTypeHeaderValue.TryParseList(accept, out var wishes))
        {
            return ExpositionFormat.Prometheus;
        }

        var openMetrics = wishes.Where(IsOpenMetrics1).Select(wish => wish.Quality ?? 1).DefaultIfEmpty(0).Max();
        var plain = wishes.Where(wish => wish.MediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase)).Select(wish => wish.Quality ?? 1).DefaultIfEmpty(0).Max();
        return openMetrics > 0 && openMetrics >= plain ? ExpositionFormat.OpenMetrics : ExpositionFormat.Prometheus;
    }

    public static string ContentType(this ExpositionFormat format) => format switch
    {
        ExpositionFormat.OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; version=0.0.4; charset=utf-8",
    };

    // Prometheus also offers 0.0.1, an early draft; no version at all means whatever we have.
    private static bool IsOpenMetrics1(MediaTypeHeaderValue wish) =>
        wish.MediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase)
        && wish.Parameters.FirstOrDefault(parameter => parameter.Name.Equals("version", StringComparison.OrdinalIgnoreCase)) is var version
        && (version is null || version.GetUnescapedValue().StartsWith("1.", StringComparison.Ordinal));
}
