namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>Writes what a client sends on one connection: one to three valid requests, then spoilt in up to three places.</summary>
internal static class RequestGenerator
{
    private static readonly string[] Methods = ["GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "Frob", "TRACE"];

    private static readonly string[] Targets =
    [
        "/case", "/a/b?c=d", "/%2e%2e/x", "/a%2Fb", "/a//b", "/case?", "/", "/a;b=c", "/%00", "/a\\b", "/a/../b", "http://a.example/case", "*", "/\u00e4", "/case#x",
        "//evil.example/x", "/a%0d%0ab", "/?x=y z", "a.example:80", "/[x]{y}|^`\"<>", "http://user@a.example/", "/.", "/..;/x", "?x",
    ];

    private static readonly string[] Fields =
    [
        "X-A: 1", "Accept: */*", "Cookie: a=b; c=d", "X-Empty:", "X-Latin: \u00e4\u00ff", "Via: 1.1 somebody", "X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6",
        "Connection: keep-alive", "Connection: X-A", "Connection: close", "Keep-Alive: timeout=5", "TE: trailers", "Expect: 100-continue", "Max-Forwards: 3",
        "Trailer: X-Sum", "X-Long: " + "0123456789", "Range: bytes=0-5", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Upgrade: h2c",
        "Proxy-Connection: keep-alive", "Authorization: Bearer x", "If-None-Match: \"x\"",
    ];

    private static readonly string[] Dangerous =
    [
        "Transfer-Encoding: chunked", "Transfer-Encoding:chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: Chunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding:\u000bchunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: x",
        "Transfer-Encoding:", "Transfer_Encoding: chunked", "X: a\nTransfer-Encoding: chunked", "X: a\rTransfer-Encoding: chunked", " Transfer-Encoding: chunked",
        "\u0000Transfer-Encoding: chunked", "Transfer-Encoding: chunked\u0000", "Transfer-Encoding: chunked;x", "Transfer-Encoding\u00a0: chunked", "Transfer-Encoding: chu",
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 44", "Content-Length: +5", "Content-Length: -5", "Content-Length: 5, 5", "Content-Length: 0x5",
        "Content-Length : 5", "Content-Length: 5 5", "Content-Length:\u000b5", "Content-Length: 5\u0000", "X: a\nContent-Length: 5", "content-length: 6", "Content_Length: 5",
        "Content-Length: 99999999999999999999", "Content-Length: 5.0", "X-Content-Length: 5", "Content-Length:", "\u0001Content-Length: 5",
        "Host: b.example", "Host:", "Host: a.example\u0000", "Host: a.example/x", "Host: a@b", "Connection: Content-Length", "Connection: Transfer-Encoding", "Connection: Host",
        "Connection: close, X-A", "Connection: Upgrade", "Upgrade: websocket", "no colon at all", ": no name", "X A: 1", "X-F\u00ef: 1", "GET /smuggled HTTP/1.1", " folded",
        "HTTP2-Settings: AAMAAABkAAQAAP__", "Expect: 100-continue", "0", "5\r\nhello",
    ];

    /// <summary>Writes one case.</summary>
    /// <param name="random">The case's random source.</param>
    public static string Next(Random random)
    {
        var text = string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => Valid(random)));
        for (var spoilt = random.Next(4); spoilt > 0; spoilt--)
        {
            text = Mutations.One(random, text, Dangerous);
        }

        return text;
    }

    private static string Valid(Random random)
    {
        var target = random.Next(3) == 0 ? Mutations.Pick(random, Targets) : "/case";
        var head = $"{Mutations.Pick(random, Methods)} {target} HTTP/1.1\r\nHost: a.example\r\n"
            + string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Mutations.Pick(random, Fields) + "\r\n"));
        var content = Mutations.Content(random);
        return random.Next(3) switch
        {
            0 => $"{head}Content-Length: {content.Length}\r\n\r\n{content}",
            1 => $"{head}Transfer-Encoding: chunked\r\n\r\n{Mutations.Chunked(random, content)}",
            _ => $"{head}\r\n",
        };
    }
}
