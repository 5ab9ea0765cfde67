using System.Buffers;
using System.Globalization;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>A request as the client framed it.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Target">Its target.</param>
/// <param name="Names">The names of its fields and trailers.</param>
/// <param name="Body">Its content.</param>
internal sealed record FramedRequest(string Method, string Target, IReadOnlySet<string> Names, string Body);

/// <summary>How the client's bytes end.</summary>
internal enum StreamEnd
{
    /// <summary>Behind a whole request.</summary>
    Clean,

    /// <summary>Inside of one.</summary>
    Incomplete,

    /// <summary>In something whose end two readers may see in two places: nothing from there on may reach an upstream as a whole request.</summary>
    Malformed,
}

/// <summary>Reads the bytes of a client as RFC 9112 frames them, written for these tests alone: what the proxy makes of them is measured by it.</summary>
/// <remarks>
/// It is strict wherever leniency moves the end of a message. What does not move it and what the server under the proxy lets pass is let pass
/// here too, each named by "lenient".
/// </remarks>
/// <param name="Requests">The whole requests, in order.</param>
/// <param name="End">What follows them.</param>
/// <param name="Partial">The request inside of which the bytes end or go wrong, as far as its head was whole.</param>
internal sealed record RequestOracle(IReadOnlyList<FramedRequest> Requests, StreamEnd End, FramedRequest? Partial)
{
    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789ABCDEFabcdef");

    /// <summary>Reads.</summary>
    /// <param name="text">Each character is a byte.</param>
    public static RequestOracle Read(string text)
    {
        var requests = new List<FramedRequest>();
        var at = 0;
        while (true)
        {
            // RFC 9112 section 2.2 lets a server pass over empty lines before a request line. Lenient: whatever they end with.
            while (at < text.Length && text[at] is '\r' or '\n')
            {
                at++;
            }

            if (at >= text.Length)
            {
                return new(requests, StreamEnd.Clean, null);
            }

            var end = text.IndexOf("\r\n\r\n", at, StringComparison.Ordinal);
            var head = text[at..(end < 0 ? text.Length : end + 2)];
            if (HasBareLineEnd(head, isWhole: end >= 0))
            {
                return new(requests, StreamEnd.Malformed, null);
            }

            if (end < 0)
            {
                return new(requests, StreamEnd.Incomplete, null);
            }

            at = end + 4;
            if (Head(head, out var names) is not { } framing)
            {
                return new(requests, StreamEnd.Malformed, null);
            }

            var partial = new FramedRequest(framing.Method, framing.Target, names, "");
            var bodyEnd = framing.IsChunked ? Chunks(text, ref at, names, out var body) : Counted(text, ref at, framing.Length, out body);
            if (bodyEnd != StreamEnd.Clean)
            {
                return new(requests, bodyEnd, partial);
            }

            requests.Add(partial with { Body = body });
        }
    }

    private static (string Method, string Target, bool IsChunked, long Length)? Head(string head, out HashSet<string> names)
    {
        names = new(StringComparer.OrdinalIgnoreCase);
        var lines = head.Split("\r\n")[..^1];
        if (lines[0].Split(' ') is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"]
            || method.Length == 0 || method.AsSpan().ContainsAnyExcept(Token) || target.Length == 0)
        {
            return null;
        }

        List<string> lengths = [];
        List<string> codings = [];
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).IndexOfAny(' ', '\t') >= 0)
            {
                return null; // no name, a space before the colon, or a folded line
            }

            // Lenient: a name that is no token is a field nobody knows; it frames nothing.
            var name = line[..colon];
            var value = line[(colon + 1)..].Trim(' ', '\t');
            names.Add(name);
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                lengths.Add(value);
            }
            else if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
            {
                codings.Add(value);
            }
        }

        if (codings.Count > 0)
        {
            return codings is [var coding] && coding.Equals("chunked", StringComparison.OrdinalIgnoreCase) && lengths.Count == 0 && lines[0].EndsWith("1.1", StringComparison.Ordinal)
                ? (method, target, true, 0)
                : null;
        }

        if (lengths.Count == 0)
        {
            return (method, target, false, 0);
        }

        return lengths.Count == 1 && lengths[0].All(char.IsAsciiDigit) && long.TryParse(lengths[0], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? (method, target, false, length)
            : null;
    }

    private static StreamEnd Counted(string text, ref int at, long length, out string body)
    {
        body = "";
        if (text.Length - at < length)
        {
            return StreamEnd.Incomplete;
        }

        body = text.Substring(at, (int)length);
        at += (int)length;
        return StreamEnd.Clean;
    }

    private static StreamEnd Chunks(string text, ref int at, HashSet<string> names, out string body)
    {
        body = "";
        while (true)
        {
            if (Line(text, ref at, out var line) is var lineEnd and not StreamEnd.Clean)
            {
                // A size that is wrong already need not come to its end to be wrong.
                var digits = line.AsSpan().IndexOfAnyExcept(HexDigits);
                return lineEnd == StreamEnd.Malformed || digits == 0 || (digits > 0 && line[digits] != ';') ? StreamEnd.Malformed : StreamEnd.Incomplete;
            }

            var semicolon = line.IndexOf(';', StringComparison.Ordinal);
            var size = semicolon < 0 ? line : line[..semicolon];
            if (size.Length == 0 || size.AsSpan().ContainsAnyExcept(HexDigits)
                || !long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length) || length < 0)
            {
                return StreamEnd.Malformed;
            }

            if (length == 0)
            {
                break;
            }

            if (text.Length - at - 2 < length)
            {
                return length < text.Length - at && text[at + (int)length] != '\r' ? StreamEnd.Malformed : StreamEnd.Incomplete;
            }

            body += text.Substring(at, (int)length);
            at += (int)length;
            if (string.CompareOrdinal(text, at, "\r\n", 0, 2) != 0)
            {
                return StreamEnd.Malformed;
            }

            at += 2;
        }

        while (true)
        {
            if (Line(text, ref at, out var line) is var lineEnd and not StreamEnd.Clean)
            {
                return lineEnd;
            }

            if (line.Length == 0)
            {
                return StreamEnd.Clean;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).IndexOfAny(' ', '\t') >= 0)
            {
                return StreamEnd.Malformed;
            }

            names.Add(line[..colon]);
        }
    }

    private static StreamEnd Line(string text, ref int at, out string line)
    {
        var end = text.IndexOf("\r\n", at, StringComparison.Ordinal);
        line = text[at..(end < 0 ? text.Length : end)];
        if (HasBareLineEnd(line, isWhole: end >= 0))
        {
            return StreamEnd.Malformed;
        }

        if (end < 0)
        {
            return StreamEnd.Incomplete;
        }

        at = end + 2;
        return StreamEnd.Clean;
    }

    // RFC 9112 section 2.2, RFC 9110 section 5.5. At the very end of what came, a CR may still become a line's end.
    private static bool HasBareLineEnd(string text, bool isWhole)
    {
        var rest = text.Replace("\r\n", "", StringComparison.Ordinal);
        if (!isWhole && rest.EndsWith('\r'))
        {
            rest = rest[..^1];
        }

        return rest.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0;
    }
}
