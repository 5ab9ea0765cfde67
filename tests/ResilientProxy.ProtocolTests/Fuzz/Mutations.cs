using System.Globalization;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>Ways to spoil a message that other proxies fell for, and blind ones.</summary>
internal static class Mutations
{
    private static readonly string[] Tokens =
    [
        "\r", "\n", "\0", " ", "\t", "\u000b", "\u000c", "\u0085", "\u00a0", "\u007f", ":", ",", ";", "\r\n ", "\r\n\t", "\n\n", "\r\n\r\n", "\r\r\n", "\n\r",
        "\"", "\\", "%", "%0d%0a", "#", "?", "\u00ff", "\u0001", "=", "/", "chunked", "HTTP/1.1", "0\r\n\r\n", "\r\n0\r\n\r\n", "identity", "close",
    ];

    private static readonly string[] Numbers =
    [
        "0", "1", "-1", "+1", "-0", "00", "0x1", "1e1", "1.0", " 1", "1 ", "1,1", "1, 1", "5;5", "ffffffff", "7fffffffffffffff", "8000000000000000", "10000000000000000",
        "18446744073709551615", "18446744073709551616", "9223372036854775807", "4294967296", "2147483648", "000000000000000000000000005", "\u00d9\u00a1", "", "a", "F",
    ];

    private static readonly string[] LineEnds = ["\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "", "\r\n ", "\0\r\n", " \r\n"];

    /// <summary>Spoils a message in one place.</summary>
    /// <param name="random">The case's random source.</param>
    /// <param name="text">The message.</param>
    /// <param name="lines">Lines that are of interest in it.</param>
    public static string One(Random random, string text, IReadOnlyList<string> lines)
    {
        if (text.Length == 0)
        {
            return text;
        }

        // Most of what matters is in the head.
        var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is var end and > 0 ? end + 4 : text.Length;
        var at = random.Next(4) == 0 ? random.Next(text.Length) : random.Next(head);
        switch (random.Next(14))
        {
            case 0:
                return text.Insert(at, Pick(random, Tokens));
            case 1:
                return text.Remove(at, Math.Min(text.Length - at, 1 + random.Next(random.Next(3) == 0 ? 40 : 3)));
            case 2:
                return string.Concat(text.AsSpan(0, at), ((char)random.Next(256)).ToString(), text.AsSpan(at + 1));
            case 3:
            case 4:
                return InsertLine(random, text, Pick(random, lines));
            case 5:
                return ReplaceNumber(random, text, at);
            case 6:
                return ReplaceLineEnd(random, text, at);
            case 7:
                return text[..at];
            case 8:
                var from = random.Next(text.Length);
                return text.Insert(at, text.Substring(from, Math.Min(text.Length - from, random.Next(60))));
            case 9:
                return ChangeCase(random, text, at);
            case 10:
                return DuplicateLine(random, text);
            case 11:
                return AroundColon(random, text);
            case 12:
                return text.Replace("HTTP/1.1", Pick(random, ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.10", "HTTP/01.1", "HTTP/1.1 ", "HTTP/1"]), StringComparison.Ordinal);
            default:
                return InsertLine(random, text, Pick(random, lines)).Insert(at, Pick(random, Tokens));
        }
    }

    /// <summary>One of several.</summary>
    /// <param name="random">The case's random source.</param>
    /// <param name="from">The choices.</param>
    public static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];

    /// <summary>Content: letters, or bytes that look like something else.</summary>
    /// <param name="random">The case's random source.</param>
    public static string Content(Random random) => random.Next(6) switch
    {
        0 => "",
        1 => "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n",
        2 => "0\r\n\r\n",
        3 => string.Concat(Enumerable.Range(0, random.Next(1, 50)).Select(_ => (char)random.Next(256))),
        4 when random.Next(5) == 0 => new string('x', random.Next(1, 9000)),
        _ => "hello",
    };

    /// <summary>The chunked form of a content.</summary>
    /// <param name="random">The case's random source.</param>
    /// <param name="content">The content.</param>
    public static string Chunked(Random random, string content)
    {
        var text = "";
        for (var at = 0; at < content.Length;)
        {
            var size = random.Next(1, content.Length - at + 1);
            text += size.ToString(random.Next(2) == 0 ? "x" : "X", CultureInfo.InvariantCulture) + (random.Next(8) == 0 ? ";a=b" : "") + "\r\n" + content.Substring(at, size) + "\r\n";
            at += size;
        }

        return text + "0\r\n" + (random.Next(8) == 0 ? "X-Sum: 1\r\n" : "") + "\r\n";
    }

    private static string InsertLine(Random random, string text, string line)
    {
        var ends = Ends(text);
        return ends.Count == 0 ? text : text.Insert(Pick(random, ends) + 2, line + "\r\n");
    }

    private static string DuplicateLine(Random random, string text)
    {
        var ends = Ends(text);
        if (ends.Count < 2)
        {
            return text;
        }

        var which = random.Next(ends.Count - 1);
        return text.Insert(ends[which] + 2, text[(ends[which] + 2)..(ends[which + 1] + 2)]);
    }

    private static string AroundColon(Random random, string text)
    {
        var colons = Enumerable.Range(0, text.Length).Where(index => text[index] == ':').ToArray();
        return colons.Length == 0 ? text : text.Insert(Pick(random, colons) + random.Next(2), Pick(random, [" ", "\t", "\u000b", "\r\n ", "\0", "\u00a0", "  "]));
    }

    private static string ReplaceNumber(Random random, string text, int at)
    {
        var start = text.AsSpan(at).IndexOfAnyInRange('0', '9');
        if (start < 0)
        {
            return text;
        }

        start += at;
        var length = text.AsSpan(start).IndexOfAnyExceptInRange('0', '9');
        return text.Remove(start, length < 0 ? text.Length - start : length).Insert(start, Pick(random, Numbers));
    }

    private static string ReplaceLineEnd(Random random, string text, int at)
    {
        var end = text.IndexOf("\r\n", at, StringComparison.Ordinal);
        return end < 0 ? text : text.Remove(end, 2).Insert(end, Pick(random, LineEnds));
    }

    private static string ChangeCase(Random random, string text, int at)
    {
        var length = Math.Min(text.Length - at, random.Next(1, 20));
        var part = text.Substring(at, length);
        return text.Remove(at, length).Insert(at, random.Next(2) == 0 ? part.ToUpperInvariant() : part.ToLowerInvariant());
    }

    private static List<int> Ends(string text)
    {
        List<int> ends = [];
        for (var at = text.IndexOf("\r\n", StringComparison.Ordinal); at >= 0; at = text.IndexOf("\r\n", at + 2, StringComparison.Ordinal))
        {
            ends.Add(at);
        }

        return ends;
    }
}
