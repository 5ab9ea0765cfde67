using System.Buffers;
using System.Globalization;
using System.Text.Json;

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
    private Utf8JsonWriter? _writer;

    public void Write(IBufferWriter<byte> output, in AccessLogEntry entry)
    {
        var json = _writer;
        if (json is null)
        {
            _writer = json = new Utf8JsonWriter(output);
        }
        else
        {
            json.Reset(output);
        }

        json.WriteStartObject();
        json.WriteString("time", AccessLogText.Time(entry.Time));
        json.WriteString("route", entry.Route);
        json.WriteString("cluster", entry.Cluster);
        json.WriteString("method", entry.Method);
        json.WriteString("path", entry.HasQuery ? entry.Path + AccessLogText.MaskedQuery : entry.Path);
        json.WriteNumber("status", entry.Status);
        json.WriteNumber("bytesIn", entry.BytesIn);
        json.WriteNumber("bytesOut", entry.BytesOut);
        json.WriteNumber("durationMs", AccessLogText.Milliseconds(entry.Duration));
        json.WriteString("client", entry.Client?.ToString());
        json.WriteString("protocol", entry.Protocol);
        json.WriteString("traceId", entry.TraceId);
        json.WriteString("outcome", entry.Outcome.Word());
        json.WriteString("reason", entry.Reason);
        json.WriteStartArray("attempts");
        foreach (var attempt in entry.Attempts ?? [])
        {
            json.WriteStartObject();
            json.WriteString("destination", attempt.Destination);
            json.WriteString("outcome", attempt.Outcome);
            json.WriteNumber("durationMs", AccessLogText.Milliseconds(attempt.Duration));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("stopped", entry.Stopped);
        if (entry.Headers is { } headers)
        {
            json.WriteStartObject("headers");
            foreach (var (name, value) in headers)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
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
