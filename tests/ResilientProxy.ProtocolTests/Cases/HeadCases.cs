using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>The bytes of a request's head.</summary>
internal static class HeadCases
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProtocolCase> All { get; } =
    [
        // Lines and fields: RFC 9112 sections 2.2 and 5.
        Refused("RFC 9112 5.1: a space before a colon is refused", Get("X-Field : 1\r\n")),
        Refused("RFC 9112 5.1: a space before the colon of Transfer-Encoding is refused", Post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + Smuggled)),
        Refused("RFC 9112 5.1: a space before the colon of Content-Length is refused", Post("Content-Length : 5\r\n", "hello")),
        Refused("RFC 9112 5.1: a tab before a colon is refused", Get("X-Field\t: 1\r\n")),
        Refused("RFC 9112 5.2: a folded line is refused", Get("X-Field: 1\r\n folded\r\n")),
        Refused("RFC 9112 5.2: a line folded by a tab is refused", Get("X-Field: 1\r\n\tfolded\r\n")),
        Refused("RFC 9112 5.2: a folded Transfer-Encoding is refused", Post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + Smuggled)),
        Refused("RFC 9112 2.2: white space before the first field is refused", "GET /case HTTP/1.1\r\n Host: a.example\r\n\r\n"),
        Refused("RFC 9112 2.2: a bare LF after a field is refused", "GET /case HTTP/1.1\r\nHost: a.example\nX-Field: 1\r\n\r\n"),
        Refused("RFC 9112 2.2: a bare LF after the request line is refused", "GET /case HTTP/1.1\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 2.2: a head of bare LFs is refused", "GET /case HTTP/1.1\nHost: a.example\n\n"),
        Refused("RFC 9112 2.2: an empty line of a bare LF is refused", "GET /case HTTP/1.1\r\nHost: a.example\r\n\n"),
        Refused("RFC 9112 2.2: a bare CR in a value is refused", Get("X-Field: a\rb\r\n")),
        Refused("RFC 9112 2.2: a bare CR that ends a field is refused", "GET /case HTTP/1.1\r\nHost: a.example\rX-Field: 1\r\n\r\n"),
        Refused("RFC 9112 2.2: a bare CR in the request line is refused", "GET /case\r HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9110 5.5: a NUL in a value is refused", Get("X-Field: a\0b\r\n")),
        Refused("RFC 9110 5.6.2: a NUL in a name is refused", Get("X-Fi\0eld: 1\r\n")),
        Refused("RFC 9112 3: a NUL in the target is refused", Get(target: "/ca\0se")),
        Refused("RFC 9112 3: an escaped NUL in the target is refused or forwarded as it is", Get(target: "/ca%00se")) with
        { Status = [200, 400, 404, 0], MayBeRefused = true, Reach = 1, Afterwards = Afterwards.Either },
        Refused("RFC 9112 5: a line without a colon is refused", Get("no field\r\n")),
        Refused("RFC 9112 5: an empty name is refused", Get(": value\r\n")),
        Refused("RFC 9110 5.6.2: a name with a space inside is refused", Get("X Field: 1\r\n")),
        Once("RFC 9110 5.6.2: a name in parentheses is refused or dropped", Get("(X-Field): 1\r\n")),
        Refused("RFC 9110 5.6.2: a name with a byte outside of ASCII is refused", Get("X-F\u00efeld: 1\r\n")),
        Once("RFC 9110 5.6.2: Transfer-Encoding behind a control byte is refused or dropped", Post("\u0001Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "0\r\n\r\n"),
        new("RFC 9110 5.5: an empty value is one")
        { Request = Get("X-Empty:\r\n"), UpstreamHas = ["X-Empty:"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 5.5: bytes outside of ASCII in a value pass as they are")
        { Request = Get("X-Name: J\u00f6rg\u0080\u00ff\r\n"), UpstreamHas = ["X-Name: J\u00f6rg\u0080\u00ff\r\n"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 5.3: a field in two lines keeps both values in order")
        { Request = Get("X-List: a\r\nX-Other: 0\r\nX-List: b\r\n"), UpstreamHas = ["X-List: a"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 5.6.2: every character of a token is allowed in a name")
        { Request = Get("x!#$%&'*+-.^`|~9: 1\r\n"), Status = [200, 400], MayBeRefused = true },
        Once("RFC 9112 2.2: an empty line before the request line is passed over", "\r\n" + Get()),

        // The request line: RFC 9112 section 3.
        Refused("RFC 9112 3: two spaces in the request line are refused", "GET  /case HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3: a tab in the request line is refused", "GET\t/case HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3: a space in the target is refused", "GET /ca se HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3: a request line without a version is refused", "GET /case\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3: a request line without a target is refused", "GET HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3: white space before the request line is refused", " GET /case HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3: white space after the version is refused", "GET /case HTTP/1.1 \r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3.1: a method that is no token is refused", "GE(T /case HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        new("RFC 9110 9.1: a method has a case, and one nobody knows is forwarded as it is")
        { Request = "Frob /case HTTP/1.1\r\nHost: a.example\r\n\r\n", UpstreamHas = ["Frob /case HTTP/1.1"], Afterwards = Afterwards.StaysOpen },
        Refused("RFC 9110 9.1: 'get' is not GET", "get /case HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, 405, 501),
        Refused("RFC 9110 9.1: 'head' is not HEAD", "head /case HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, 405, 501),
        Refused("RFC 9112 2.3: HTTP/0.9 is refused", "GET /case\r\n\r\n"),
        Refused("RFC 9112 2.3: HTTP/1.2 is refused or served as 1.1", "GET /case HTTP/1.2\r\nHost: a.example\r\n\r\n", 200, 400, 505) with { Reach = 1, MayBeRefused = true, Afterwards = Afterwards.Either },
        Refused("RFC 9112 2.3: HTTP/2.0 in a request line is refused", "GET /case HTTP/2.0\r\nHost: a.example\r\n\r\n", 400, 505),
        Refused("RFC 9112 2.3: HTTP/11.1 is refused", "GET /case HTTP/11.1\r\nHost: a.example\r\n\r\n", 400, 505),
        Refused("RFC 9112 2.3: a version in lower case is refused", "GET /case http/1.1\r\nHost: a.example\r\n\r\n", 400, 505),
        Refused("RFC 8446 4.1.2: a TLS greeting on a cleartext endpoint is refused", "\u0016\u0003\u0001\u0000\u0050\u0001\u0000\u0000\u004c\u0003\u0003\r\n\r\n"),

        // Bombs: limits of the head (RFC 9112 section 3, RFC 6585 section 5).
        Refused("RFC 9112 3: a request line of 64 KiB is refused", Get(target: "/" + new string('a', 65536)), 400, 414),
        Refused("RFC 6585 5: a field of 64 KiB is refused", Get($"X-Big: {new string('a', 65536)}\r\n"), 400, 431),
        Refused("RFC 6585 5: 10 000 fields are refused", Get(string.Concat(Enumerable.Range(0, 10_000).Select(i => $"X-{i}: 1\r\n"))), 400, 431),
        Refused("RFC 6585 5: a name of 64 KiB is refused", Get(new string('a', 65536) + ": 1\r\n"), 400, 431),
    ];
}
