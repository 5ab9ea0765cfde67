using System.Buffers;
using System.Globalization;
using System.Text;

namespace ResilientProxy.Telemetry;

/// <summary>Words and figures for a terminal, always in the same order, the trail at the end.</summary>
internal sealed class AccessLogTextFormatter : IAccessLogFormatter
{
    private readonly StringBuilder _line = new();

    public void Write(IBufferWriter<byte> output, in AccessLogEntry entry)
    {
        _line.Clear();
        _line.Append(AccessLogText.Time(entry.Time)).Append(' ').Append(CultureInfo.InvariantCulture, $"{entry.Status} ");
        Word(entry.Method).Append(' ');
        Word(entry.Path).Append(entry.HasQuery ? AccessLogText.MaskedQuery : "").Append(' ');
        _line.Append(CultureInfo.InvariantCulture, $"{AccessLogText.Milliseconds(entry.Duration)}ms in={entry.BytesIn} out={entry.BytesOut} {entry.Outcome.Word()}");
        Named("route", entry.Route);
        Named("cluster", entry.Cluster);
        Named("client", entry.Client?.ToString());
        Named("protocol", entry.Protocol);
        Named("trace", entry.TraceId);
        Named("reason", entry.Reason);
        _line.Append(" attempts=");
        var separator = "";
        foreach (var (destination, outcome, duration) in entry.Attempts ?? [])
        {
            _line.Append(separator);
            Word(destination).Append(':');
            Word(outcome).Append(CultureInfo.InvariantCulture, $":{AccessLogText.Milliseconds(duration)}ms");
            separator = ",";
        }

        if (separator.Length == 0)
        {
            _line.Append('-');
        }

        Named("stopped", entry.Stopped);
        foreach (var (name, value) in entry.Headers ?? [])
        {
            Named(name, value);
        }

        _line.Append('\n');
        foreach (var chunk in _line.GetChunks())
        {
            Encoding.UTF8.GetBytes(chunk.Span, output);
        }
    }

    private void Named(string name, string? value)
    {
        _line.Append(' ').Append(name).Append('=');
        Word(value);
    }

    /// <summary>
    /// One word: whatever is not printable ASCII, and what would end the word or pretend to be an escape, is written as \uXXXX, so a
    /// client can forge neither a line nor a field, nor move the terminal's cursor.
    /// </summary>
    private StringBuilder Word(string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return _line.Append('-');
        }

        foreach (var character in value)
        {
            if (character is > ' ' and <= '~' and not ('"' or '\\'))
            {
                _line.Append(character);
            }
            else
            {
                _line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}");
            }
        }

        return _line;
    }
}
