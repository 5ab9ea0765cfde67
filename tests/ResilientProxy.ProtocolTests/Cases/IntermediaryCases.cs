using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>What an intermediary takes away, adds and answers by itself: RFC 9110 sections 7.6 and 9.3.</summary>
internal static class IntermediaryCases
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProtocolCase> All { get; } =
    [
        Removed("RFC 9110 7.6.1: a field named by Connection is not forwarded", "Connection: X-Hop\r\nX-Hop: 1\r\n", "X-Hop"),
        Removed("RFC 9110 7.6.1: all fields named by Connection are not forwarded", "Connection: X-Hop, close-not , X-More\r\nX-Hop: 1\r\nX-More: 2\r\n", "X-Hop", "X-More"),
        Removed("RFC 9110 7.6.1: two Connection lines are one list", "Connection: X-Hop\r\nConnection: X-More\r\nX-Hop: 1\r\nX-More: 2\r\n", "X-Hop", "X-More"),
        Removed("RFC 9110 7.6.1: names in Connection have no case", "Connection: x-hop\r\nX-Hop: 1\r\n", "X-Hop"),
        Removed("RFC 9110 7.6.1: Keep-Alive is not forwarded", "Keep-Alive: timeout=5\r\n", "Keep-Alive: timeout"),
        Removed("RFC 9110 7.6.1: Proxy-Connection is not forwarded", "Proxy-Connection: keep-alive\r\n", "Proxy-Connection"),
        Removed("RFC 9110 10.1.4: TE is of one hop", "TE: gzip\r\nConnection: TE\r\n", "gzip"),
        Removed("RFC 9113 3.1: an upgrade to h2c is not forwarded", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", "h2c", "HTTP2-Settings"),
        Removed("RFC 9110 7.8: an Upgrade that Connection does not name is not forwarded", "Upgrade: frob\r\n", "Upgrade: frob"),
        new("RFC 9110 7.6.1: Connection that names Content-Length does not take the framing away")
        { Request = Post("Connection: Content-Length\r\nContent-Length: 5\r\n", "hello"), UpstreamBody = "hello", Status = [200, 400], MayBeRefused = true },
        new("RFC 9110 7.6.1: Connection that names Transfer-Encoding does not take the framing away")
        { Request = Post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), UpstreamBody = "hello", Status = [200, 400], MayBeRefused = true },
        new("RFC 9110 7.6.1: Connection that names Host does not take it away")
        { Request = Get("Connection: Host\r\n"), UpstreamHas = ["Host: "], Status = [200, 400], MayBeRefused = true },
        new("RFC 9110 7.6.1: Connection that names Authorization and Cookie does not take them away")
        { Request = Get("Connection: Authorization, Cookie\r\nAuthorization: Bearer x\r\nCookie: a=b\r\n"), UpstreamHas = ["Bearer x", "a=b"] },
        new("RFC 9110 7.6.1: Connection that names X-Forwarded-For does not hide the client")
        { Request = Get("Connection: X-Forwarded-For, X-Forwarded-Proto\r\n"), UpstreamHas = ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"] },
        new("RFC 9110 7.6.1: a Connection-named field of the response is not forwarded")
        { Answer = Answer("200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n", "ok"), ClientLacks = ["X-Hop"], ClientBody = "ok" },
        new("RFC 9110 7.6.1: Keep-Alive and Proxy-Connection of the response are not forwarded")
        { Answer = Answer("200 OK\r\nKeep-Alive: timeout=77\r\nProxy-Connection: keep-alive\r\nContent-Length: 2\r\n", "ok"), ClientLacks = ["timeout=77", "Proxy-Connection"], ClientBody = "ok" },
        new("RFC 9110 7.6.1: Connection: close of the upstream does not close the client's connection")
        { Answer = Answer("200 OK\r\nConnection: close\r\nContent-Length: 2\r\n", "ok", Wire.AnswerEnd.Close), ClientBody = "ok", Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 7.6.1: a Connection-named Content-Length of the response does not take the framing away")
        { Answer = Answer("200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n", "ok"), ClientBody = "ok" },

        // Via: RFC 9110 section 7.6.3.
        new("RFC 9110 7.6.3: a forwarded request says Via with the client's version") { UpstreamHas = ["Via: 1.1 "] },
        new("RFC 9110 7.6.3: Via names HTTP/1.0 where the client speaks it")
        { Request = "GET /case HTTP/1.0\r\nHost: a.example\r\n\r\n", UpstreamHas = ["Via: 1.0 "] },
        new("RFC 9110 7.6.3: an earlier Via stays in front")
        { Request = Get("Via: 1.0 first, 1.1 second\r\n"), UpstreamHas = ["Via: 1.0 first, 1.1 second"] },

        // Max-Forwards: RFC 9110 section 7.6.2.
        new("RFC 9110 7.6.2: OPTIONS with Max-Forwards 0 is answered and not forwarded")
        { Request = "OPTIONS /case HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 0\r\n\r\n", Reach = 0, Status = [200, 204], Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 7.6.2: TRACE with Max-Forwards 0 is answered by what came, or refused, and not forwarded")
        { Request = "TRACE /case HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 0\r\n\r\n", Reach = 0, Status = [200, 405, 501] },
        new("RFC 9110 9.3.8: a TRACE that is answered reflects no secret")
        { Request = "TRACE /case HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 0\r\nCookie: secret1\r\nAuthorization: secret2\r\n\r\n", Reach = 0, Status = [200, 405, 501], ClientLacks = ["secret"] },
        new("RFC 9110 7.6.2: Max-Forwards of OPTIONS is counted down")
        { Request = "OPTIONS /case HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 5\r\n\r\n", UpstreamHas = ["Max-Forwards: 4"], UpstreamLacks = ["Max-Forwards: 5"] },
        new("RFC 9110 7.6.2: Max-Forwards of TRACE is counted down, or TRACE refused")
        { Request = "TRACE /case HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 5\r\n\r\n", UpstreamHas = ["Max-Forwards: 4"], Status = [200, 405, 501], MayBeRefused = true },
        new("RFC 9110 7.6.2: Max-Forwards of other methods means nothing")
        { Request = Get("Max-Forwards: 0\r\n"), UpstreamHas = ["Max-Forwards: 0"] },
        new("RFC 9110 7.6.2: a Max-Forwards that is no number is refused, dropped or passed on, never taken for one")
        { Request = "OPTIONS /case HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: -1\r\n\r\n", Status = [200, 400], MayBeRefused = true, UpstreamLacks = ["Max-Forwards: -2", "Max-Forwards: 4"] },
        Refused("RFC 9110 9.3.8: TRACE with a body is refused", "TRACE /case HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello", 400, 405, 413, 501),
        Refused("RFC 9110 9.3.8: TRACE with a chunked body is refused", "TRACE /case HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, 405, 413, 501),

        // Forwarding headers are this proxy's word, not the client's.
        new("RFC 7239 8.1: a forged X-Forwarded-For of a stranger is not believed")
        { Request = Get("X-Forwarded-For: 6.6.6.6\r\n"), UpstreamLacks = ["X-Forwarded-For: 6.6.6.6\r\n"], UpstreamHas = ["127.0.0.1"] },

        // Expect: RFC 9110 section 10.1.1.
        new("RFC 9110 10.1.1: Expect: 100-continue with the body in hand is served once")
        { Request = Post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"), UpstreamBody = "hello", Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 10.1.1: Expect without a body is served once")
        { Request = Get("Expect: 100-continue\r\n"), Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 10.1.1: an unknown expectation is answered 417 or ignored")
        { Request = Post("Expect: 200-maybe\r\nContent-Length: 5\r\n", "hello"), Status = [200, 417], MayBeRefused = true },
        new("RFC 9110 10.1.1: HTTP/1.0 knows no 100-continue")
        { Request = "POST /case HTTP/1.0\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", UpstreamBody = "hello", ClientLacks = ["HTTP/1.1 100", "HTTP/1.0 100"] },
    ];

    private static ProtocolCase Removed(string name, string fields, params string[] lacks) => new(name)
    {
        Request = Get(fields),
        UpstreamLacks = lacks,
        Afterwards = Afterwards.StaysOpen,
    };
}
