using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;

namespace ResilientProxy.Telemetry;

/// <summary>Writes the parts of a JSON object whose names are known beforehand: name and punctuation in one piece, then the value.</summary>
/// <remarks>
/// <see cref="System.Text.Json.Utf8JsonWriter"/> writes the same text; of a line with twenty values it takes most of its time to keep track of where it is.
/// What has to be escaped is left to its encoder.
/// </remarks>
/// <param name="output">Takes the bytes.</param>
internal readonly ref struct JsonLine(IBufferWriter<byte> output)
{
    private const int MostDigits = 20;
    private const int TimeLength = 24;

    private static readonly SearchValues<char> Plain =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Where(static character => !JavaScriptEncoder.Default.WillEncode(character)).Select(static character => (char)character)]);

    /// <summary>Text of the line itself.</summary>
    /// <param name="text">JSON as it is.</param>
    public void Raw(ReadOnlySpan<byte> text) => output.Write(text);

    /// <summary>A string, or null.</summary>
    /// <param name="before">What comes before it.</param>
    /// <param name="value">The string, whatever is in it.</param>
    public void Text(ReadOnlySpan<byte> before, string? value)
    {
        if (value is null)
        {
            output.Write(before);
            output.Write("null"u8);
            return;
        }

        // What is encoded is ASCII, as what need not be.
        var text = value.AsSpan().ContainsAnyExcept(Plain) ? JavaScriptEncoder.Default.Encode(value) : value;
        var to = output.GetSpan(before.Length + text.Length + 2);
        before.CopyTo(to);
        to = to[before.Length..];
        to[0] = (byte)'"';
        Encoding.Latin1.GetBytes(text, to[1..]);
        to[text.Length + 1] = (byte)'"';
        output.Advance(before.Length + text.Length + 2);
    }

    /// <summary>A whole number.</summary>
    /// <param name="before">What comes before it.</param>
    /// <param name="value">The number.</param>
    public void Number(ReadOnlySpan<byte> before, long value)
    {
        var to = output.GetSpan(before.Length + MostDigits);
        before.CopyTo(to);
        Utf8Formatter.TryFormat(value, to[before.Length..], out var written);
        output.Advance(before.Length + written);
    }

    /// <summary>Milliseconds, with up to three decimals.</summary>
    /// <param name="before">What comes before them.</param>
    /// <param name="duration">How long; finer than a microsecond is noise.</param>
    public void Milliseconds(ReadOnlySpan<byte> before, TimeSpan duration)
    {
        var (whole, rest) = Math.DivRem((long)Math.Round((double)duration.Ticks / TimeSpan.TicksPerMicrosecond), 1000);
        Number(before, whole);
        if (rest == 0)
        {
            return;
        }

        var to = output.GetSpan(4);
        to[0] = (byte)'.';
        Utf8Formatter.TryFormat(rest, to[1..], out _, new StandardFormat('D', 3));
        output.Advance(to[3] != '0' ? 4 : to[2] != '0' ? 3 : 2);
    }

    /// <summary>A time as a string: ISO 8601, UTC, milliseconds.</summary>
    /// <param name="before">What comes before it.</param>
    /// <param name="time">The time.</param>
    public void Time(ReadOnlySpan<byte> before, DateTimeOffset time)
    {
        var to = output.GetSpan(before.Length + 40);
        before.CopyTo(to);
        to = to[before.Length..];
        to[0] = (byte)'"';
        time.UtcDateTime.TryFormat(to[1..], out _, "O"); // seven decimals, of which four give way
        to[TimeLength] = (byte)'Z';
        to[TimeLength + 1] = (byte)'"';
        output.Advance(before.Length + TimeLength + 2);
    }
}
