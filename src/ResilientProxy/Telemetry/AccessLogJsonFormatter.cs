using System.Buffers;
using System.Globalization;
using System.Net;

namespace ResilientProxy.Telemetry;

/// <summary>How one entry becomes one line, its newline included.</summary>
internal interface IAccessLogFormatter
{
    /// <summary>Appends exactly one line, whatever the client sent.</summary>
    void Write(IBufferWriter<byte> output, in AccessLogEntry entry);
}

/// <summary>One JSON object a line. Keys and their order are the same in every line; what is not known is null.</summary>
/// <remarks>The default encoder leaves only printable ASCII: no control character of a client reaches the line or a terminal.</remarks>
internal sealed class AccessLogJsonFormatter : IAccessLogFormatter
{
    private IPAddress? _client;
    private string? _clientText;

    public void Write(IBufferWriter<byte> output, in AccessLogEntry entry)
    {
        var line = new JsonLine(output);
        line.Time("{\"time\":"u8, entry.Time);
        line.Text(",\"route\":"u8, entry.Route);
        line.Text(",\"cluster\":"u8, entry.Cluster);
        line.Text(",\"method\":"u8, entry.Method);
        line.Text(",\"path\":"u8, entry.HasQuery ? entry.Path + AccessLogText.MaskedQuery : entry.Path);
        line.Number(",\"status\":"u8, entry.Status);
        line.Number(",\"bytesIn\":"u8, entry.BytesIn);
        line.Number(",\"bytesOut\":"u8, entry.BytesOut);
        line.Milliseconds(",\"durationMs\":"u8, entry.Duration);
        line.Text(",\"client\":"u8, TextOf(entry.Client));
        line.Text(",\"protocol\":"u8, entry.Protocol);
        line.Text(",\"traceId\":"u8, entry.TraceId);
        line.Text(",\"outcome\":"u8, entry.Outcome.Word());
        line.Text(",\"reason\":"u8, entry.Reason);
        line.Raw(",\"attempts\":["u8);
        for (var i = 0; i < entry.Attempts?.Count; i++)
        {
            var attempt = entry.Attempts[i];
            line.Text(i == 0 ? "{\"destination\":"u8 : ",{\"destination\":"u8, attempt.Destination);
            line.Text(",\"outcome\":"u8, attempt.Outcome);
            line.Milliseconds(",\"durationMs\":"u8, attempt.Duration);
            line.Raw("}"u8);
        }

        line.Text("],\"stopped\":"u8, entry.Stopped);
        if (entry.Headers is { } headers)
        {
            line.Raw(",\"headers\":{"u8);
            for (var i = 0; i < headers.Count; i++)
            {
                line.Text(i == 0 ? ""u8 : ","u8, headers[i].Key);
                line.Text(":"u8, headers[i].Value);
            }

            line.Raw("}"u8);
        }

        line.Raw("}\n"u8);
    }

    // One client's requests come together, and behind a balancer there are few.
    private string? TextOf(IPAddress? client)
    {
        if (!Equals(client, _client))
        {
            (_client, _clientText) = (client, client?.ToString());
        }

        return _clientText;
    }
}

/// <summary>What both formats write alike.</summary>
internal static class AccessLogText
{
    /// <summary>Stands for a query, whatever it said.</summary>
    public const string MaskedQuery = "?…";

    /// <summary>ISO 8601, UTC, milliseconds.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Milliseconds with three decimals: finer than a microsecond is noise.</summary>
    public static double Milliseconds(TimeSpan duration) => Math.Round(duration.TotalMilliseconds, 3);
}
