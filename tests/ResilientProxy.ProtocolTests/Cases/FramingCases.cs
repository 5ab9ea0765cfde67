using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>Where a request ends: what request smuggling is made of.</summary>
internal static class FramingCases
{
    private const string Last = "0\r\n\r\n";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProtocolCase> All { get; } =
    [
        new("RFC 9112 6.3: a body of Content-Length bytes arrives whole, and the connection stays in step")
        { Request = Post("Content-Length: 5\r\n", "hello"), UpstreamBody = "hello", Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 7.1: a chunked body arrives whole, and the connection stays in step")
        { Request = Chunked("5\r\nhello\r\n6\r\n world\r\n" + Last), UpstreamBody = "hello world", Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 6.3: a Content-Length of 0 is a body of no bytes")
        { Request = Post("Content-Length: 0\r\n", ""), UpstreamBody = "", Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 6.3: a POST without length has no body")
        { Request = Post("", ""), UpstreamBody = "", Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 6.3: a GET may have a body, and it is forwarded with its framing")
        { Request = Get("Content-Length: 5\r\n") + "hello", UpstreamBody = "hello", Afterwards = Afterwards.StaysOpen },

        // Two lengths (CL.TE, TE.CL): RFC 9112 section 6.1 allows to go by the coding; a proxy that may be wrong about it refuses.
        Refused("RFC 9112 6.1: Content-Length before Transfer-Encoding is refused", Post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", Last + Smuggled)),
        Refused("RFC 9112 6.1: Content-Length after Transfer-Encoding is refused", Post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", Last + Smuggled)),
        Refused("RFC 9112 6.1: Content-Length 0 with Transfer-Encoding is refused", Post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", Last)),
        Refused("RFC 9112 6.1: a Content-Length that agrees with the chunks is refused all the same",
            Post("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n" + Last)),

        Refused("RFC 9112 6.1: both lengths and a field in which the server might hide one are refused",
            Post("X-Content-Length: 1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n", Last + Smuggled)),

        // Lengths that two readers understand in two ways: RFC 9110 section 8.6, RFC 9112 section 6.3.
        Refused("RFC 9112 6.3: two different Content-Lengths are refused", Post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")),
        Once("RFC 9112 6.3: two equal Content-Lengths are one or refused", Post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "hello"),
        Once("RFC 9110 8.6: a list of equal Content-Lengths is one or refused", Post("Content-Length: 5, 5\r\n", "hello"), "hello"),
        Refused("RFC 9110 8.6: a list of different Content-Lengths is refused", Post("Content-Length: 5, 6\r\n", "hello!")),
        Refused("RFC 9110 8.6: a Content-Length with a plus sign is refused", Post("Content-Length: +5\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with a NUL behind it is refused", Post("Content-Length: 5\0\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with a vertical tab in front is refused", Post("Content-Length:\u000b5\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with a no-break space behind it is refused", Post("Content-Length: 5\u00a0\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with a minus sign is refused", Post("Content-Length: -5\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length of -0 is refused", Post("Content-Length: -0\r\n", "")),
        Refused("RFC 9110 8.6: a hexadecimal Content-Length is refused", Post("Content-Length: 0x5\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with a fraction is refused", Post("Content-Length: 5.0\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with an exponent is refused", Post("Content-Length: 5e0\r\n", "hello")),
        Refused("RFC 9110 8.6: an empty Content-Length is refused", Post("Content-Length:\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length of letters is refused", Post("Content-Length: five\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length with a space inside is refused", Post("Content-Length: 1 0\r\n", "0123456789")),
        Refused("RFC 9110 8.6: a Content-Length beyond 64 bits is refused", Post("Content-Length: 18446744073709551621\r\n", "hello"), 400, 413),
        Refused("RFC 9110 8.6: a Content-Length in full-width digits is refused", Post("Content-Length: \u00b5\u00b9\r\n", "hello")),
        Refused("RFC 9110 8.6: a Content-Length of a hundred digits is refused", Post($"Content-Length: {new string('0', 99)}5\r\n", "hello"), 400, 413),
        Once("RFC 9110 8.6: leading zeros of a Content-Length change nothing or are refused", Post("Content-Length: 0005\r\n", "hello"), "hello"),
        Once("RFC 9110 5.5: white space around a Content-Length is not part of it", Post("Content-Length: \t 5 \t\r\n", "hello"), "hello"),

        // Codings: RFC 9112 section 6.1. What is not exactly "chunked" is understood by one and not by another.
        Refused("RFC 9112 6.1: an unknown transfer coding is refused", Post("Transfer-Encoding: xchunked\r\n", Last + Smuggled), 400, 501),
        Refused("RFC 9112 6.1: 'identity' is no transfer coding any more and refused", Post("Transfer-Encoding: identity\r\n", Smuggled), 400, 501),
        Refused("RFC 9112 6.3: a coding after chunked leaves no end and is refused", Post("Transfer-Encoding: chunked, gzip\r\n", Last + Smuggled), 400, 501),
        Refused("RFC 9112 6.1: a coding below chunked that the proxy does not undo is refused", Post("Transfer-Encoding: gzip, chunked\r\n", Last), 400, 501),
        Refused("RFC 9112 6.1: chunked twice in one line is refused", Post("Transfer-Encoding: chunked, chunked\r\n", Last), 400, 501),
        Refused("RFC 9112 6.1: chunked in two lines is refused", Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Last), 400, 501),
        Refused("RFC 9112 6.1: a second Transfer-Encoding line that contradicts is refused",
            Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Last + Smuggled), 400, 501),
        Refused("RFC 9112 6.1: an empty Transfer-Encoding is refused", Post("Transfer-Encoding:\r\n", Smuggled), 400, 501),
        Refused("RFC 9112 6.1: chunked in quotes is refused", Post("Transfer-Encoding: \"chunked\"\r\n", Last), 400, 501),
        Refused("RFC 9112 6.1: chunked with a parameter is refused", Post("Transfer-Encoding: chunked;q=1\r\n", Last), 400, 501),
        Refused("RFC 9110 5.5: a vertical tab before chunked is refused", Post("Transfer-Encoding: \u000bchunked\r\n", Last), 400, 501),
        Once("RFC 9110 5.5: white space around chunked is not part of it", Post("Transfer-Encoding: \t chunked \t\r\n", "5\r\nhello\r\n" + Last), "hello"),
        Once("RFC 9112 7: the name of a coding has no case", Post("Transfer-Encoding: ChUnKeD\r\n", "5\r\nhello\r\n" + Last), "hello"),
        Refused("RFC 9112 6.1: Transfer-Encoding from an HTTP/1.0 client is faulty framing and refused",
            "POST /case HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + Last, 400, 411, 501),
        Refused("RFC 9112 6.1: Transfer-Encoding with keep-alive from an HTTP/1.0 client is refused",
            "POST /case HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + Last + Smuggled, 400, 411, 501),
        Once("RFC 9112 5: a field that only looks like Transfer-Encoding does not frame", Post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "0\r\n\r\n"),
        Refused("RFC 9112 6.1: a GET with both lengths is refused like any", Get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + Last + Smuggled),

        // Chunks: RFC 9112 section 7.1.
        Refused("RFC 9112 7.1: a chunk size that is no number is refused", Chunked("xyz\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size with 0x is refused", Chunked("0x5\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size with a minus sign is refused", Chunked("-5\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size with a plus sign is refused", Chunked("+5\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: an empty chunk size is refused", Chunked("\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size with a space in front is refused", Chunked(" 5\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size beyond 64 bits is refused", Chunked("10000000000000005\r\nhello\r\n" + Last), 400, 413),
        Refused("RFC 9112 7.1: a chunk size beyond 32 bits that would wrap around is refused or never ends",
            Chunked("100000005\r\nhello\r\n" + Last)) with { HalfClose = true, Status = [400, 408, 413, 0] },
        Refused("RFC 9112 7.1: a chunk that is longer than its size is refused", Chunked("3\r\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk without its line end is refused", Chunked("5\r\nhello" + Last)),
        Refused("RFC 9112 7.1: a chunk that ends with a bare LF is refused", Chunked("5\r\nhello\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size that ends with a bare LF is refused", Chunked("5\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a chunk size that ends with a bare CR is refused", Chunked("5\rhello\r\n" + Last)),
        Refused("RFC 9112 7.1: a last chunk that ends with a bare LF is refused", Chunked("5\r\nhello\r\n0\n\n" + Smuggled)),
        Once("RFC 9112 7.1: a chunk size in upper case is one", Chunked("A\r\n0123456789\r\n" + Last), "0123456789"),
        Once("RFC 9112 7.1: leading zeros of a chunk size change nothing", Chunked("0000005\r\nhello\r\n" + Last), "hello"),
        Once("RFC 9112 7.1: several zeros are the last chunk", Chunked("5\r\nhello\r\n000\r\n\r\n"), "hello"),
        Once("RFC 9112 7.1.1: a chunk extension is not forwarded", Chunked("5;name=value\r\nhello\r\n" + Last), "hello"),
        Once("RFC 9112 7.1.1: a quoted chunk extension is not forwarded", Chunked("5;name=\"a b\"\r\nhello\r\n0;x\r\n\r\n"), "hello"),
        Refused("RFC 9112 7.1.1: a bare LF in a chunk extension is refused", Chunked("5;a\nhello\r\n" + Last)),
        Refused("RFC 9112 7.1.1: a bare LF in a chunk extension hides no request", Chunked($"2;\nxx\r\n2d\r\n0\r\n\r\n{Smuggled}0\r\n\r\n")),
        Refused("RFC 9112 7.1.1: a bare CR in a chunk extension is refused", Chunked("5;a\rb\r\nhello\r\n" + Last)),
        Once("RFC 9112 7.1.1: a chunk extension of 64 KiB is refused or not forwarded", Chunked("5;" + new string('a', 65536) + "\r\nhello\r\n" + Last), "hello"),

        // Trailers: RFC 9110 section 6.5.
        Once("RFC 9110 6.5.1: a trailer of the request is forwarded or dropped, never merged into the head",
            Chunked("5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n"), "hello"),
        Once("RFC 9110 6.5.1: a trailer that frames does not frame", Chunked("5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n"), "hello") with
        { UpstreamLacks = ["Content-Length: 50"] },
        Once("RFC 9110 6.5.1: a trailer does not name the host", Chunked("5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n"), "hello") with
        { UpstreamLacks = ["evil.example"] },
        Refused("RFC 9112 7.1.2: a trailer that is no field is refused", Chunked("5\r\nhello\r\n0\r\nno field\r\n\r\n")),
        Refused("RFC 9112 7.1.2: a trailer with a space before its colon is refused", Chunked("5\r\nhello\r\n0\r\nX-Trailer : 1\r\n\r\n")),

        // Messages that end early: RFC 9112 section 8.
        Refused("RFC 9112 8: a body shorter than its Content-Length never looks whole to the upstream", Post("Content-Length: 10\r\n", "hello")) with
        { HalfClose = true, Status = [400, 408, 499, 0] },
        Refused("RFC 9112 8: chunks without the last one never look whole to the upstream", Chunked("5\r\nhello\r\n")) with
        { HalfClose = true, Status = [400, 408, 499, 0] },
        Refused("RFC 9112 8: a chunk that breaks off never looks whole to the upstream", Chunked("50\r\nhello")) with
        { HalfClose = true, Status = [400, 408, 499, 0] },
        Refused("RFC 9112 8: a head that breaks off is no request", "GET /case HTTP/1.1\r\nHost: a.example\r\n") with
        { HalfClose = true, Status = [400, 408, 0] },

        // What follows a whole request is the next one: RFC 9112 section 9.3.2.
        new("RFC 9112 9.3.2: what follows a body of Content-Length bytes is the next request")
        { Request = Post("Content-Length: 5\r\n", "hello" + Get(target: "/second")), Responses = 2, Reach = 2, UpstreamHas = ["GET /second HTTP/1.1"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 9.3.2: what follows the last chunk is the next request")
        { Request = Chunked("5\r\nhello\r\n" + Last + Get(target: "/second")), Responses = 2, Reach = 2, UpstreamHas = ["GET /second HTTP/1.1"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 6.3: a whole request in a body stays a body")
        { Request = Post($"Content-Length: {Smuggled.Length}\r\n", Smuggled), UpstreamBody = Smuggled, Afterwards = Afterwards.StaysOpen },
    ];
}
