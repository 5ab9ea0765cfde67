using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>Writes what an upstream answers: a valid answer, then spoilt in up to two places or cut short.</summary>
internal static class AnswerGenerator
{
    private static readonly string[] Statuses =
        ["200 OK", "200 OK", "200 OK", "201 Created", "204 No Content", "205 Reset Content", "206 Partial Content", "301 Moved", "304 Not Modified", "404 Not Found", "500 Oops", "503 Busy", "299 Odd", "200 "];

    private static readonly string[] Interims = ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n"];

    private static readonly string[] Fields =
    [
        "X-A: 1", "Content-Type: text/plain", "Set-Cookie: a=b", "Date: Mon, 01 Jan 2024 00:00:00 GMT", "Server: x", "X-Latin: \u00e4", "X-Empty:", "ETag: \"x\"", "Retry-After: 1",
        "Connection: keep-alive", "Connection: close", "Keep-Alive: timeout=5", "Trailer: X-Sum", "Content-Encoding: gzip", "Location: /x", "Via: 1.1 y", "Proxy-Status: other; error=dns_error",
    ];

    private static readonly string[] Dangerous =
    [
        "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: \u000bchunked", "Transfer-Encoding:", "Transfer-Encoding: CHUNKED", "Transfer-Encoding: chunked\u0000", "Transfer-Encoding: x",
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 500", "Content-Length: +5", "Content-Length: -1", "Content-Length: 5, 5", "Content-Length: 5, 6",
        "Content-Length: 0x5", "Content-Length : 5", "Content-Length:", "Content-Length: 99999999999999999999", "Content-Length: 5\u0000", "content-length: 6", "X: a\nContent-Length: 5",
        "no colon", ": x", "X A: 1", " folded", "\tfolded", "HTTP/1.1 200 OK", "Upgrade: websocket", "Connection: Upgrade", "Connection: Content-Length", "Connection: Transfer-Encoding",
        "X-Nul: a\u0000b", "X-Cr: a\rX-Injected: 1", "X-\u00efd: 1", "X-(odd): 1",
    ];

    /// <summary>Writes one.</summary>
    /// <param name="random">The case's random source.</param>
    /// <param name="mark">What its content begins with.</param>
    /// <param name="toHead">Whether it answers a HEAD.</param>
    public static UpstreamAnswer Next(Random random, string mark, bool toHead)
    {
        var content = mark + Mutations.Content(random);
        var status = Mutations.Pick(random, Statuses);
        var head = (random.Next(8) == 0 ? Mutations.Pick(random, Interims) : "") + $"HTTP/1.1 {status}\r\n"
            + string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Mutations.Pick(random, Fields) + "\r\n"));
        var hasNoBody = toHead || status[..3] is "204" or "205" or "304";
        var text = random.Next(3) switch
        {
            _ when hasNoBody && random.Next(4) > 0 => $"{head}{(status[..3] == "204" ? "" : "Content-Length: 0\r\n")}\r\n",
            0 => $"{head}Transfer-Encoding: chunked\r\n\r\n{Mutations.Chunked(random, content)}",
            1 => $"{head}\r\n{content}",
            _ => $"{head}Content-Length: {content.Length}\r\n\r\n{content}",
        };
        for (var spoilt = random.Next(3); spoilt > 0; spoilt--)
        {
            text = Mutations.One(random, text, Dangerous);
        }

        if (random.Next(6) == 0)
        {
            text = text[..random.Next(text.Length + 1)];
        }

        return new(text, random.Next(8) == 0 ? AnswerEnd.Reset : AnswerEnd.Close);
    }
}
