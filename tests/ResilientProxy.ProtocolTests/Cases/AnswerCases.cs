using ResilientProxy.ProtocolTests.Wire;
using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>What an upstream answers, and how it lies.</summary>
internal static class AnswerCases
{
    private const string Poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    private static readonly string Large = new('x', 100_000);
    private static readonly int[] BadGateway = [502];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProtocolCase> All { get; } =
    [
        Good("RFC 9112 6.3: a body of Content-Length bytes comes whole", Answer("200 OK\r\nContent-Length: 5\r\n", "hello"), "hello"),
        Good("RFC 9112 7.1: a chunked body comes whole", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"), "hello world"),
        Good("RFC 9112 6.3: a body that ends with its connection comes whole", Answer("200 OK\r\n", "hello", AnswerEnd.Close), "hello"),
        Good("RFC 9112 6.3: a large body that ends with its connection comes whole", Answer("200 OK\r\n", Large, AnswerEnd.Close), Large),
        Good("RFC 9112 2.3: an answer of HTTP/1.0 comes as one of 1.1", new("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", AnswerEnd.Close), "hello"),
        Good("RFC 9112 4: an answer without a reason phrase is one", new("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello"), "hello"),
        Good("RFC 9110 15: a status nobody knows passes", Answer("299 Strange\r\nContent-Length: 5\r\n", "hello"), "hello") with { Status = [299] },
        Good("RFC 9110 15.6.1: an error of the upstream passes with its body", Answer("500 Oops\r\nContent-Length: 5\r\n", "hello"), "hello") with { Status = [500] },
        Good("RFC 9110 5.3: several Set-Cookie lines stay apart", Answer("200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n", "ok"), "ok") with
        { ClientHas = ["Set-Cookie: a=1\r\n", "Set-Cookie: b=2\r\n"] },

        // Answers that end with their head: RFC 9112 section 6.3.
        Good("RFC 9110 15.3.5: a 204 has no body", Answer("204 No Content\r\n"), "") with { Status = [204] },
        Good("RFC 9110 15.4.5: a 304 has no body, whatever length it names", Answer("304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 500\r\n"), "") with { Status = [304] },
        Good("RFC 9110 15.4.5: a 304 that claims chunks has no body", Answer("304 Not Modified\r\nTransfer-Encoding: chunked\r\n"), "") with { Status = [304] },
        Good("RFC 9112 6.3: a 204 that claims a length is not waited for", Answer("204 No Content\r\nContent-Length: 0\r\n"), "") with { Status = [204], ClientLacks = ["Transfer-Encoding"] },
        Good("RFC 9110 15.3.6: a 205 without content is one", Answer("205 Reset Content\r\nContent-Length: 0\r\n"), "") with { Status = [205] },
        Good("RFC 9110 9.3.2: the answer to HEAD keeps its length and has no body", Answer("200 OK\r\nContent-Length: 500\r\n"), "") with
        { Request = "HEAD /case HTTP/1.1\r\nHost: a.example\r\n\r\n", ToHead = [0], ClientHas = ["Content-Length: 500"] },
        Good("RFC 9110 9.3.2: the answer to HEAD may claim chunks and has no body", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n"), "") with
        { Request = "HEAD /case HTTP/1.1\r\nHost: a.example\r\n\r\n", ToHead = [0] },
        Good("RFC 9110 15.3.6: a 205 with content loses it", Answer("205 Reset Content\r\nContent-Length: 5\r\n", "hello"), "") with { Status = [205, 502] },
        new("RFC 9110 9.3.2: a body that follows the answer to HEAD reaches nobody")
        { Request = "HEAD /case HTTP/1.1\r\nHost: a.example\r\n\r\n", ToHead = [0], Answer = Answer("200 OK\r\nContent-Length: 66\r\n", Poison), Status = [200, 502], ClientLacks = ["poison"] },
        new("RFC 9110 15.4.5: a body that follows a 304 reaches nobody")
        { Answer = Answer("304 Not Modified\r\nContent-Length: 66\r\n", Poison), Status = [304, 502], ClientLacks = ["poison"] },
        new("RFC 9110 15.3.5: a body that follows a 204 reaches nobody")
        { Answer = Answer("204 No Content\r\nContent-Length: 66\r\n", Poison), Status = [204, 502], ClientLacks = ["poison"] },

        // Interim answers: RFC 9110 section 15.2.
        Good("RFC 9110 15.2.1: a 100 nobody asked for is passed over or relayed", new("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "hello"),
        Good("RFC 8297 2: a 103 before the answer does not disturb it", new("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "hello"),
        Good("RFC 9110 15.2: several interim answers do not disturb the final one",
            new("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "hello"),
        Bad("RFC 9110 15.2.2: a 101 nobody asked for is an error", Answer("101 Switching Protocols\r\nUpgrade: frob\r\nConnection: Upgrade\r\n", "hello")),
        Bad("RFC 9110 15.2: an interim answer without a final one is an error", new("HTTP/1.1 100 Continue\r\n\r\n", AnswerEnd.Close)),

        // Answers that lie about their length, or have two: RFC 9112 sections 6.3 and 8.
        Cut("RFC 9112 8: an answer shorter than its Content-Length never looks whole", Answer("200 OK\r\nContent-Length: 500\r\n", "hello", AnswerEnd.Close)),
        Cut("RFC 9112 8: a large answer shorter than its Content-Length never looks whole", Answer("200 OK\r\nContent-Length: 200000\r\n", Large, AnswerEnd.Close)),
        Cut("RFC 9112 8: a large answer that is reset never looks whole", Answer("200 OK\r\nContent-Length: 200000\r\n", Large, AnswerEnd.Reset)),
        Cut("RFC 9112 8: a chunked answer without its last chunk never looks whole", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n", AnswerEnd.Close)),
        Cut("RFC 9112 8: a chunked answer that breaks off in a chunk never looks whole", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "50\r\nhello", AnswerEnd.Close)),
        Cut("RFC 9112 8: a chunked answer without its last empty line never looks whole", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n", AnswerEnd.Close)),
        Cut("RFC 9112 7.1: a chunked answer with a bad chunk size never looks whole", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\nxyz\r\n", AnswerEnd.Close)),
        Cut("RFC 9112 7.1: a chunked answer with a negative chunk size never looks whole", Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n-1\r\n", AnswerEnd.Close)),
        Cut("RFC 9112 8: an answer without a length that is reset never looks whole", Answer("200 OK\r\n", Large, AnswerEnd.Reset)),
        Bad("RFC 9112 6.3: an answer with two different Content-Lengths is an error", Answer("200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "hello!")),
        Bad("RFC 9112 6.3: an answer with a Content-Length of letters is an error", Answer("200 OK\r\nContent-Length: five\r\n", "hello", AnswerEnd.Close)),
        Bad("RFC 9112 6.3: an answer with a negative Content-Length is an error", Answer("200 OK\r\nContent-Length: -5\r\n", "hello", AnswerEnd.Close)),
        Bad("RFC 9112 6.3: an answer with a signed Content-Length is an error", Answer("200 OK\r\nContent-Length: +5\r\n", "hello", AnswerEnd.Close)),
        Bad("RFC 9112 6.3: an answer with a Content-Length beyond 64 bits is an error", Answer("200 OK\r\nContent-Length: 18446744073709551621\r\n", "hello", AnswerEnd.Close)),
        new("RFC 9112 6.3: an answer with both lengths goes by its chunks alone, or is an error")
        { Answer = Answer("200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), Status = [200, 502], ClientLacks = ["Content-Length: 3\r\n"] },
        Bad("RFC 9112 6.1: an answer in a coding the proxy does not undo is an error", Answer("200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", AnswerEnd.Close)),
        Bad("RFC 9112 6.1: an answer in an unknown coding is an error", Answer("200 OK\r\nTransfer-Encoding: frob\r\n", "hello", AnswerEnd.Close)),
        new("RFC 9112 6.1: an HTTP/1.0 answer with a coding goes by its chunks, or is an error")
        { Answer = new("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", AnswerEnd.Close), Status = [200, 502], ClientLacks = ["5\r\nhello"] },
        Good("RFC 9112 6.3: two equal Content-Lengths of an answer are one, or an error", Answer("200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n", "hello"), null) with { Status = [200, 502], Afterwards = Afterwards.Either },

        // Bytes nobody asked for: RFC 9112 section 9.2. They must not become another client's answer.
        new("RFC 9112 9.2: a second answer nobody asked for reaches nobody")
        { Answer = Answer("200 OK\r\nContent-Length: 2\r\n", "ok" + Poison), ClientBody = "ok", ClientLacks = ["poison"] },
        new("RFC 9112 9.2: a second answer after the last chunk reaches nobody")
        { Answer = Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n" + Poison), ClientBody = "ok", ClientLacks = ["poison"] },
        new("RFC 9112 9.2: a byte too many after an answer reaches nobody")
        { Answer = Answer("200 OK\r\nContent-Length: 2\r\n", "okX"), ClientBody = "ok" },
        new("RFC 9112 9.2: a body after a length of 0 reaches nobody")
        { Answer = Answer("200 OK\r\nContent-Length: 0\r\n", Poison), ClientBody = "" },

        // No answer at all, and answers that are none.
        Bad("RFC 9110 15.6.3: an upstream that closes without an answer is 502", new("", AnswerEnd.Close)),
        Bad("RFC 9110 15.6.3: an upstream that resets without an answer is 502", new("", AnswerEnd.Reset)),
        Bad("RFC 9112 4: an answer that is no HTTP is 502", new("SSH-2.0-OpenSSH_9.2\r\n\r\n", AnswerEnd.Close)),
        Bad("RFC 9112 4: a status of two digits is 502", new("HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", AnswerEnd.Close)),
        Bad("RFC 9112 4: a status of letters is 502", new("HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok", AnswerEnd.Close)),
        Bad("RFC 9112 8: a head that breaks off is 502", new("HTTP/1.1 200 OK\r\nContent-Le", AnswerEnd.Close)),
        Bad("RFC 9112 5: a line without a colon in the head is 502", Answer("200 OK\r\nno field\r\nContent-Length: 2\r\n", "ok", AnswerEnd.Close)),
        new("RFC 9110 5.5: a NUL in an answer's field becomes a space, or is 502")
        { Answer = Answer("200 OK\r\nX-Field: a\0b\r\nContent-Length: 2\r\n", "ok", AnswerEnd.Close), Status = [200, 502] },
        Bad("RFC 6585 5: a head of a megabyte is 502", Answer($"200 OK\r\nX-Big: {new string('a', 1 << 20)}\r\nContent-Length: 2\r\n", "ok", AnswerEnd.Close)),
        new("RFC 9112 5.2: a folded line of an answer reaches the client in one line, or is 502")
        { Answer = Answer("200 OK\r\nX-Field: a\r\n b\r\nContent-Length: 2\r\n", "ok"), Status = [200, 502] },
        new("RFC 9112 2.2: bare LFs of an answer reach the client as CRLF, or are 502")
        { Answer = new("HTTP/1.1 200 OK\nX-Field: a\nContent-Length: 2\n\nok", AnswerEnd.Close), Status = [200, 502] },
        new("RFC 9112 5.1: a space before a colon of an answer is taken away, or 502")
        { Answer = Answer("200 OK\r\nX-Field : a\r\nContent-Length: 2\r\n", "ok", AnswerEnd.Close), Status = [200, 502] },
        new("RFC 9112 2.2: a bare CR in an answer's field does not split it for the client")
        { Answer = Answer("200 OK\r\nX-Field: a\rX-Injected: 1\r\nContent-Length: 2\r\n", "ok", AnswerEnd.Close), Status = [200, 502] },

        // Early answers: RFC 9112 section 9.5, RFC 9110 section 10.1.1.
        new("RFC 9110 15.5.14: an early answer reaches the client, and its connection stays in step or closes")
        { Request = Post("Content-Length: 5\r\n", "hello"), Answer = new("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", Early: true), Status = [413], ClientBody = "no" },
        new("RFC 9112 9.6: an early answer with the upstream closing reaches the client")
        { Request = Post("Content-Length: 5\r\n", "hello"), Answer = new("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", AnswerEnd.Close, Early: true), Status = [413], ClientBody = "no" },
        new("RFC 9112 9.5: an early answer reaches the client while it still owes its body, and what follows is no request")
        { Request = Post("Content-Length: 1000000\r\n", Smuggled), Answer = new("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", AnswerEnd.Close, Early: true), Status = [413], ClientBody = "no", Reach = 0, Afterwards = Afterwards.Closes },

        // Trailers: RFC 9110 section 6.5.
        new("RFC 9110 6.5.1: a trailer of an answer is forwarded or dropped, never merged into the head")
        { Answer = Answer("200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"), ClientBody = "ok", Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 6.5.1: a trailer of an answer does not frame")
        { Answer = Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\nContent-Length: 50\r\n\r\n"), ClientBody = "ok", ClientLacks = ["Content-Length: 50"] },

        // HTTP/1.0 clients know neither chunks nor keep-alive by default: RFC 9112 sections 7 and 9.3.
        new("RFC 9112 7: an HTTP/1.0 client gets a chunked answer without chunks")
        { Request = "GET /case HTTP/1.0\r\nHost: a.example\r\n\r\n", Answer = Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), ClientBody = "hello", ClientLacks = ["chunked"], Afterwards = Afterwards.Closes },
        new("RFC 9112 8: an HTTP/1.0 client sees by a reset that an answer without a length is cut off")
        { Request = "GET /case HTTP/1.0\r\nHost: a.example\r\n\r\n", Answer = Answer("200 OK\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n", AnswerEnd.Close), Status = [200, 0], CutOff = true },
    ];

    private static ProtocolCase Good(string name, UpstreamAnswer answer, string? body) => new(name)
    {
        Answer = answer,
        ClientBody = body,
        Afterwards = Afterwards.StaysOpen,
    };

    private static ProtocolCase Bad(string name, UpstreamAnswer answer) => new(name) { Answer = answer, Status = BadGateway, ClientLacks = ["hello"] };

    private static ProtocolCase Cut(string name, UpstreamAnswer answer) => new(name) { Answer = answer, Status = [200, 0], CutOff = true };
}
