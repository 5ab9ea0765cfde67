using System.Buffers;

namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>The head of an HTTP/1 message, read as strictly as the RFCs write it: a message that only a lenient reader understands has a flaw.</summary>
/// <param name="StartLine">The first line.</param>
/// <param name="Fields">Names and values, in order.</param>
/// <param name="Flaw">What is wrong with it; null for nothing.</param>
internal sealed record WireHead(string StartLine, IReadOnlyList<KeyValuePair<string, string>> Fields, string? Flaw)
{
    // RFC 9110 section 5.6.2.
    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>The length that is declared; -1 for none.</summary>
    public long ContentLength => All("Content-Length") is [var one, ..] && long.TryParse(one, out var length) ? length : -1;

    /// <summary>Whether the body is chunked.</summary>
    public bool Chunked => All("Transfer-Encoding").Any(value => value.Equals("chunked", StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads a head.</summary>
    /// <param name="text">Its lines, each with its end, without the empty one.</param>
    public static WireHead Parse(string text)
    {
        string? flaw = null;
        if (text.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().IndexOfAny('\r', '\n', '\0') >= 0)
        {
            flaw = "a bare CR, a bare LF or a NUL in the head (RFC 9112 section 2.2, RFC 9110 section 5.5)";
        }

        var lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var fields = new List<KeyValuePair<string, string>>();
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(Token))
            {
                flaw ??= $"no field: '{line}' (RFC 9112 section 5)";
                continue;
            }

            fields.Add(new(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        var head = new WireHead(lines.FirstOrDefault() ?? "", fields, flaw);
        return flaw is null ? head with { Flaw = head.FramingFlaw() } : head;
    }

    /// <summary>All values of a field.</summary>
    /// <param name="name">The field.</param>
    public IReadOnlyList<string> All(string name) =>
        [.. Fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)];

    // RFC 9112 section 6: one way to find the end of the message, and only one.
    private string? FramingFlaw()
    {
        var lengths = All("Content-Length");
        var codings = All("Transfer-Encoding");
        return lengths.Count > 1 ? "more than one Content-Length (RFC 9112 section 6.3)"
            : codings.Count > 1 ? "more than one Transfer-Encoding (RFC 9112 section 6.1)"
            : lengths.Count + codings.Count > 1 ? "Content-Length and Transfer-Encoding (RFC 9112 section 6.1)"
            : lengths is [var length] && (length.Length == 0 || !length.All(char.IsAsciiDigit)) ? $"a Content-Length of '{length}' (RFC 9110 section 8.6)"
            : codings is [var coding] && coding != "chunked" ? $"a Transfer-Encoding of '{coding}' (RFC 9112 section 6.1)"
            : null;
    }
}
