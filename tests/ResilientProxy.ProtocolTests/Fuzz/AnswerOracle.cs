using System.Buffers;
using System.Globalization;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>What an upstream's bytes may be taken for.</summary>
/// <param name="IsStrict">Whether they are a valid answer, whole, with nothing behind it: then the client must get it.</param>
/// <param name="Status">Its status then.</param>
/// <param name="Bodies">The contents of which a client may be told that they are whole: more than one where readers differ.</param>
internal sealed record AnswerOracle(bool IsStrict, int Status, IReadOnlySet<string> Bodies)
{
    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789ABCDEFabcdef");

    /// <summary>Reads.</summary>
    /// <param name="text">Each character is a byte.</param>
    /// <param name="toHead">Whether the request was a HEAD.</param>
    /// <param name="inOrder">Whether the connection then ended in order: that is the end of an answer without a length.</param>
    public static AnswerOracle Read(string text, bool toHead, bool inOrder)
    {
        // A lenient reader takes a bare LF for a line's end, and passes over white space before a colon: what it makes of it may be whole, too.
        var bodies = new HashSet<string>();
        var strict = One(text, toHead, inOrder, isStrict: true, bodies);
        One(text, toHead, inOrder, isStrict: false, bodies);
        return new(strict is not null, strict ?? 0, bodies);
    }

    private static int? One(string text, bool toHead, bool inOrder, bool isStrict, HashSet<string> bodies)
    {
        var at = 0;
        while (true)
        {
            if (Head(text, ref at, isStrict) is not { } head)
            {
                return null;
            }

            if (head.Status is >= 100 and < 200 and not 101)
            {
                continue;
            }

            var valid = head.IsValid && head.Status != 101;
            if (toHead || head.Status is 204 or 205 or 304)
            {
                bodies.Add("");
                return valid && at == text.Length && head.Status != 205 ? head.Status : null;
            }

            if (head.HasNoEnd)
            {
                return null;
            }

            if (head.IsChunked)
            {
                var whole = Chunks(text, ref at, isStrict, out var body);
                if (whole)
                {
                    bodies.Add(body);
                }

                return whole && valid && at == text.Length ? head.Status : null;
            }

            if (head.Length is { } length)
            {
                if (text.Length - at < length)
                {
                    return null;
                }

                bodies.Add(text.Substring(at, (int)length));
                return valid && text.Length - at == length ? head.Status : null;
            }

            if (!inOrder)
            {
                return null;
            }

            bodies.Add(text[at..]);
            return valid ? head.Status : null;
        }
    }

    // HasNoEnd: its lengths contradict each other, or are none.
    private static (int Status, bool IsChunked, long? Length, bool HasNoEnd, bool IsValid)? Head(string text, ref int at, bool isStrict)
    {
        List<string> lines = [];
        var valid = true;
        while (true)
        {
            var end = text.IndexOf('\n', at);
            if (end < 0)
            {
                return null;
            }

            var line = text[at..end];
            at = end + 1;
            valid &= line.EndsWith('\r') && line.AsSpan(0, line.Length - 1).IndexOfAny('\r', '\0') < 0;
            line = line.EndsWith('\r') ? line[..^1] : line;
            if (line.Length == 0)
            {
                break;
            }

            // RFC 9112 section 5.2: a lenient reader takes a folded line for more of the one before.
            if (!isStrict && lines.Count > 1 && line[0] is ' ' or '\t')
            {
                lines[^1] += " " + line.Trim();
                valid = false;
                continue;
            }

            lines.Add(line);
        }

        if (lines.Count == 0 || lines[0].Length < 12 || !lines[0].StartsWith("HTTP/1.", StringComparison.Ordinal)
            || !int.TryParse(lines[0].AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) || status < 100)
        {
            return null;
        }

        // RFC 9112 section 4: the space before an empty reason phrase stands; "HTTP/1.1 2000" is none.
        valid &= lines[0][7] is '0' or '1' && lines[0][8] == ' ' && lines[0].Length > 12 && lines[0][12] == ' ' && status is >= 100 and <= 599
            && lines[0].AsSpan(13).IndexOfAnyExceptInRange(' ', '~') < 0;
        List<string> lengths = [];
        List<string> codings = [];
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                valid = false;
                continue;
            }

            valid &= !line.AsSpan(0, colon).ContainsAnyExcept(Token) && line.AsSpan(colon).IndexOfAnyInRange('\u0001', '\u0008') < 0
                && line.AsSpan(colon).IndexOfAnyInRange('\u000b', '\u001f') < 0 && !line.Contains('\u007f', StringComparison.Ordinal);
            var name = line[..colon].Trim();
            var value = line[(colon + 1)..].Trim(' ', '\t', '\0', '\u000b', '\u000c', '\r');
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                lengths.Add(value);
            }
            else if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
            {
                codings.Add(value);
            }
        }

        valid &= lengths.Count + codings.Count <= 1;
        if (isStrict && !valid)
        {
            return null;
        }

        if (codings.Count > 0)
        {
            // A coding that is none of chunked leaves the connection's end as the answer's end, for a reader that knows it.
            var chunked = codings.Any(coding => coding.Equals("chunked", StringComparison.OrdinalIgnoreCase));
            return (status, chunked, null, !chunked && lengths.Count > 0, valid && chunked && lines[0][7] == '1');
        }

        return lengths.Count == 0 ? (status, false, null, false, valid)
            : lengths.Distinct().Count() == 1 && long.TryParse(lengths[0], NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? (status, false, length, false, valid)
            : (status, false, null, true, false);
    }

    private static bool Chunks(string text, ref int at, bool isStrict, out string body)
    {
        body = "";
        while (true)
        {
            if (!Line(text, ref at, isStrict, out var line))
            {
                return false;
            }

            var semicolon = line.IndexOf(';', StringComparison.Ordinal);
            var size = semicolon < 0 ? line : line[..semicolon];
            size = isStrict ? size : size.Trim(' ', '\t');
            if (size.Length == 0 || size.AsSpan().ContainsAnyExcept(HexDigits)
                || !long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length) || length < 0)
            {
                return false;
            }

            if (length == 0)
            {
                break;
            }

            if (text.Length - at < length)
            {
                return false;
            }

            body += text.Substring(at, (int)length);
            at += (int)length;
            if (!Line(text, ref at, isStrict, out var rest) || rest.Length > 0)
            {
                return false;
            }
        }

        while (Line(text, ref at, isStrict, out var line))
        {
            if (line.Length == 0)
            {
                return true;
            }

            if (isStrict && (line.IndexOf(':', StringComparison.Ordinal) is var colon && (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(Token))))
            {
                return false;
            }
        }

        return false;
    }

    private static bool Line(string text, ref int at, bool isStrict, out string line)
    {
        line = "";
        var end = text.IndexOf('\n', at);
        if (end < 0)
        {
            return false;
        }

        line = text[at..end];
        at = end + 1;
        var ends = line.EndsWith('\r');
        line = ends ? line[..^1] : line;
        return !isStrict || (ends && line.AsSpan().IndexOfAny('\r', '\0') < 0);
    }
}
