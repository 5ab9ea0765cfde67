using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Wire;
using static ResilientProxy.ProtocolTests.Http2.Http2Case;
using static ResilientProxy.ProtocolTests.Http2.Http2Wire;

namespace ResilientProxy.ProtocolTests.Http2;

/// <summary>HTTP/2 in, HTTP/1.1 out: where fields without line ends become lines, and frames become a length.</summary>
internal static class Http2Cases
{
    private const string Split = "a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private static readonly (string Name, string Value)[] Get = Head();
    private static readonly (string Name, string Value)[] Post = Head("POST");

    /// <summary>All of them; each name once.</summary>
    public static IReadOnlyDictionary<string, Http2Case> All { get; } = new Http2Case[]
    {
        // Messages that are well formed.
        new("RFC 9113 8.3.1: a GET arrives as one of HTTP/1.1") { UpstreamHas = ["GET /case HTTP/1.1\r\n", "Via: 2.0 "], ClientBody = "ok" },
        new("RFC 9113 8.1: a body with its length arrives with it") { Fields = [.. Post, ("content-length", "5")], Body = "hello", UpstreamBody = "hello", UpstreamHas = ["Content-Length: 5"] },
        new("RFC 9113 8.1: a body without a length arrives in chunks") { Fields = Post, Body = "hello", UpstreamBody = "hello", UpstreamHas = ["Transfer-Encoding: chunked"] },
        new("RFC 9113 8.1: a body that holds a request stays a body") { Fields = Post, Body = Http.Smuggled, UpstreamBody = Http.Smuggled },
        new("RFC 9113 8.1: a body that looks like chunks stays a body") { Fields = Post, Body = "0\r\n\r\n" + Http.Smuggled, UpstreamBody = "0\r\n\r\n" + Http.Smuggled },
        new("RFC 9113 8.2.3: crumbs of a cookie become one line") { More = [("cookie", "a=1"), ("cookie", "b=2")], UpstreamHas = ["Cookie: a=1; b=2\r\n"] },
        new("RFC 9113 8.2.2: TE may say trailers, and is not forwarded but with gRPC") { More = [("te", "trailers")], UpstreamLacks = ["TE: gzip"] },
        new("RFC 9110 2.1: a field without a value is one") { More = [("x-empty", "")], UpstreamHas = ["x-empty:"] },
        new("RFC 9113 8.3.1: Host in place of :authority will do") { Fields = [(":method", "GET"), (":scheme", "http"), (":path", "/case"), ("host", "a.example")], Status = [200, 400], },
        new("RFC 9113 8.3.1: :authority wins over another Host, or the request is refused") { More = [("host", "evil.example")], Status = [200, 400, Reset], UpstreamLacks = ["evil.example"] },
        new("RFC 9113 8.3.1: OPTIONS of '*' asks for the proxy itself") { Fields = Head("OPTIONS", "*"), Status = [200, 204, 400, 404, Reset], Reach = 0 },
        new("RFC 9110 9.3.8: TRACE with a body is refused") { Fields = Head("TRACE"), Body = "hello", Status = [400, 405, 501, Reset], Reach = 0 },
        new("RFC 9110 7.6.2: OPTIONS with Max-Forwards 0 is answered") { Fields = [.. Head("OPTIONS"), ("max-forwards", "0")], Status = [200, 204], Reach = 0 },
        new("RFC 3986 2.2: the bytes of a path stay as they are") { Fields = Head(path: "/a%2Fb?c=%0d%0a&d[]="), UpstreamHas = ["GET /a%2Fb?c=%0d%0a&d[]= HTTP/1.1\r\n"], Status = [200, 400] },
        new("RFC 9113 8.1: a trailer is forwarded or dropped, never merged into the head")
        { Send = async wire => { await wire.SendHeadersAsync(1, Post, end: false); await wire.SendDataAsync(1, "hello", end: false); await wire.SendHeadersAsync(1, [("x-trailer", "1")]); }, UpstreamBody = "hello" },
        new("RFC 9113 6.1: padding is not part of a body")
        { Send = async wire => { await wire.SendHeadersAsync(1, Post, end: false); await wire.SendAsync(Data, EndStream | Padded, 1, [3, .. "hello"u8, 0, 0, 0]); }, UpstreamBody = "hello" },
        new("RFC 9113 6.10: a header block in pieces is one block")
        { Send = async wire => { var block = Hpack.Write(Get); await wire.SendAsync(Headers, EndStream, 1, block[..10]); await wire.SendAsync(Continuation, 0, 1, block[10..20]); await wire.SendAsync(Continuation, EndHeaders, 1, block[20..]); } },
        new("RFC 9113 5.5: a frame of a type nobody knows is ignored") { Send = async wire => { await wire.SendAsync(0xee, 0, 0, [1, 2, 3]); await wire.SendHeadersAsync(1, Get); } },

        // Lengths that lie: RFC 9113 section 8.1.1.
        Refused("RFC 9113 8.1.1: a body shorter than its content-length never looks whole", [.. Post, ("content-length", "10")], "hello"),
        Refused("RFC 9113 8.1.1: a body longer than its content-length never looks whole", [.. Post, ("content-length", "3")], "hello"),
        Refused("RFC 9113 8.1.1: a content-length without a body never looks whole", [.. Post, ("content-length", "5")]),
        Refused("RFC 9113 8.1.1: two different content-lengths are refused", [.. Post, ("content-length", "5"), ("content-length", "6")], "hello"),
        Refused("RFC 9110 8.6: a content-length of letters is refused", [.. Post, ("content-length", "five")], "hello"),
        Refused("RFC 9110 8.6: a negative content-length is refused", [.. Post, ("content-length", "-5")], "hello"),
        Refused("RFC 9110 8.6: a list of different content-lengths is refused", [.. Post, ("content-length", "5, 6")], "hello"),
        Maybe("RFC 9110 8.6: a signed content-length is refused or forwarded without its sign", [.. Post, ("content-length", "+5")], "hello"),
        Refused("RFC 9113 5.1: data behind the end of a stream is refused", Post) with
        { Send = async wire => { await wire.SendHeadersAsync(1, [.. Post, ("content-length", "0")]); await wire.SendDataAsync(1, "hello"); }, Reach = 1, Status = [200, Reset] },

        // Fields of one hop: RFC 9113 section 8.2.2. The classic downgrade.
        Refused("RFC 9113 8.2.2: transfer-encoding is refused", [.. Post, ("transfer-encoding", "chunked")], "0\r\n\r\n" + Http.Smuggled),
        Refused("RFC 9113 8.2.2: transfer-encoding with a content-length is refused", [.. Post, ("content-length", "5"), ("transfer-encoding", "chunked")], "hello"),
        Refused("RFC 9113 8.2.2: connection is refused", [.. Get, ("connection", "close")]),
        Refused("RFC 9113 8.2.2: keep-alive is refused", [.. Get, ("keep-alive", "timeout=5")]),
        Refused("RFC 9113 8.2.2: proxy-connection is refused", [.. Get, ("proxy-connection", "close")]),
        Refused("RFC 9113 8.2.2: upgrade is refused", [.. Get, ("upgrade", "h2c")]),
        Refused("RFC 9113 8.2.2: te other than trailers is refused", [.. Get, ("te", "gzip")]),

        // Names and values that would break out of their line: RFC 9113 section 8.2.1.
        Refused("RFC 9113 8.2.1: a CRLF in a value is refused", [.. Get, ("x-field", Split)]),
        Refused("RFC 9113 8.2.1: an LF in a value is refused", [.. Get, ("x-field", "a\nX-Injected: 1")]),
        Refused("RFC 9113 8.2.1: a CR in a value is refused", [.. Get, ("x-field", "a\rb")]),
        Refused("RFC 9113 8.2.1: a NUL in a value is refused", [.. Get, ("x-field", "a\0b")]),
        Refused("RFC 9113 8.2.1: a CRLF in a cookie is refused", [.. Get, ("cookie", Split)]),
        Refused("RFC 9113 8.2.1: a CRLF in a user-agent is refused", [.. Get, ("user-agent", Split)]),
        Maybe("RFC 9113 8.2.1: a CRLF in a name is refused or dropped", [.. Get, ("x-field: 1\r\nx-injected", "1")]) with { UpstreamLacks = ["x-injected"] },
        Refused("RFC 9113 8.2.1: an upper case name is refused", [.. Get, ("X-Field", "1")]),
        Refused("RFC 9113 8.2.1: an empty name is refused", [.. Get, ("", "1")]),
        Maybe("RFC 9113 8.2.1: a name with a space is refused or dropped", [.. Get, ("x field", "1")]),
        Maybe("RFC 9113 8.2.1: a name with a colon is refused or dropped", [.. Get, ("x:field", "1")]),
        Maybe("RFC 9113 8.2.1: transfer-encoding with a colon in its name is refused or dropped", [.. Post, ("transfer-encoding:chunked", "")], "hello"),
        Maybe("RFC 9113 8.2.1: white space around a value is refused or taken away", [.. Get, ("x-field", " a ")]),

        // Pseudo-fields: RFC 9113 section 8.3.
        Refused("RFC 9113 8.3.1: a request without :method is refused", [(":scheme", "http"), (":authority", "a.example"), (":path", "/case")]),
        Refused("RFC 9113 8.3.1: a request without :path is refused", [(":method", "GET"), (":scheme", "http"), (":authority", "a.example")]),
        Refused("RFC 9113 8.3.1: a request without :scheme is refused", [(":method", "GET"), (":authority", "a.example"), (":path", "/case")]),
        Refused("RFC 9113 8.3: two :method are refused", [.. Get, (":method", "POST")]),
        Refused("RFC 9113 8.3: two :path are refused", [(":path", "/smuggled"), .. Get]),
        Refused("RFC 9113 8.3: two :authority are refused", [(":authority", "evil.example"), .. Get]),
        Refused("RFC 9113 8.3: a pseudo-field nobody knows is refused", [.. Get, (":frob", "1")]),
        Refused("RFC 9113 8.3: :status in a request is refused", [.. Get, (":status", "200")]),
        Refused("RFC 9113 8.3: a pseudo-field behind a field is refused", [(":method", "GET"), (":scheme", "http"), ("x-field", "1"), (":authority", "a.example"), (":path", "/case")]),
        Refused("RFC 9113 8.3.1: an empty :path is refused", Head(path: "")),
        Refused("RFC 9113 8.3.1: a :path without a slash is refused", Head(path: "case")),
        Refused("RFC 9113 8.3.1: a :path with an authority is refused", Head(path: "http://evil.example/smuggled")),
        Refused("RFC 9113 8.3.1: a :path with a space is refused", Head(path: "/case HTTP/1.1\u0020")),
        Refused("RFC 9113 8.3.1: a :path with a CRLF is refused", Head(path: "/case HTTP/1.1\r\nHost: a.example\r\n\r\nGET /smuggled")),
        Refused("RFC 9113 8.3.1: a :path with a NUL is refused", Head(path: "/ca\0se")),
        Refused("RFC 9113 8.3.1: a :path with a tab is refused", Head(path: "/ca\tse")),
        Refused("RFC 9113 8.3.1: a :method with a space is refused", Head("GET /smuggled HTTP/1.1\r\nX: ")),
        Refused("RFC 9113 8.3.1: a :method with a CRLF is refused", Head("GET\r\n")),
        Refused("RFC 9113 8.3.1: an empty :method is refused", Head("")),
        Refused("RFC 9113 8.3.1: an :authority with a CRLF is refused", Head(authority: "a.example\r\nX-Injected: 1")),
        Refused("RFC 9113 8.3.1: an :authority with user information is refused", Head(authority: "user@a.example")),
        Refused("RFC 9113 8.3.1: an :authority with a path is refused", Head(authority: "a.example/smuggled")),
        Maybe("RFC 9113 8.3.1: a :scheme that is not this connection's is refused or corrected", Head(scheme: "https")) with { UpstreamLacks = ["X-Forwarded-Proto: https"] },
        Refused("RFC 9113 8.3.1: a :scheme with a CRLF is refused", Head(scheme: "http\r\nX-Injected: 1")),
        Refused("RFC 9113 8.5: CONNECT is refused: this is no forward proxy", [(":method", "CONNECT"), (":authority", "a.example:443")]),
        Refused("RFC 9113 8.5: CONNECT with a path is refused", Head("CONNECT")),
        Refused("RFC 9113 8.1: a trailer with a pseudo-field is refused", Post) with
        { Send = async wire => { await wire.SendHeadersAsync(1, Post, end: false); await wire.SendDataAsync(1, "hello", end: false); await wire.SendHeadersAsync(1, [(":path", "/smuggled")]); } },
        Refused("RFC 9113 8.1: a trailer with a CRLF is refused or dropped", Post) with
        { Send = async wire => { await wire.SendHeadersAsync(1, Post, end: false); await wire.SendDataAsync(1, "hello", end: false); await wire.SendHeadersAsync(1, [("x-trailer", Split)]); }, Status = [200, 400, Reset], Reach = 1 },
        Refused("RFC 9113 8.1: a second head without the end of the stream is refused", Post) with
        { Send = async wire => { await wire.SendHeadersAsync(1, Post, end: false); await wire.SendHeadersAsync(1, [("x-trailer", "1")], end: false); } },
        Refused("RFC 6585 5: a field of 64 KiB is refused", Get) with
        { Send = wire => BlockAsync(wire, Hpack.Write([.. Get, ("x-big", new string('a', 65536))])), Status = [431, 400, Reset] },

        // Answers of HTTP/1.1 on their way to HTTP/2.
        new("RFC 9113 8.2.2: fields of one hop of an answer do not reach the client")
        { Answer = new("HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), ClientBody = "ok", ClientLacks = ["connection", "keep-alive", "x-hop", "transfer-encoding"] },
        new("RFC 9110 15.3.5: a 204 ends with its head") { Answer = new("HTTP/1.1 204 No Content\r\n\r\n"), Status = [204], ClientBody = "" },
        new("RFC 9110 15.4.5: a 304 ends with its head") { Answer = new("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"), Status = [304], ClientBody = "" },
        new("RFC 9110 9.3.2: the answer to HEAD ends with its head") { Fields = Head("HEAD"), Answer = new("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), ClientBody = "" },
        new("RFC 8297 2: a 103 before the answer does not disturb it") { Answer = new("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), ClientBody = "ok" },
        Cut("RFC 9113 8.1: a chunked answer that breaks off is reset, not ended", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", AnswerEnd.Close),
        Cut("RFC 9113 8.1: a large answer that breaks off is reset, not ended", $"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n{new string('x', 20000)}", AnswerEnd.Close),
        Cut("RFC 9113 8.1: an answer without a length that is reset is reset, not ended", $"HTTP/1.1 200 OK\r\n\r\n{new string('x', 20000)}", AnswerEnd.Reset),
        new("RFC 9110 15.6.3: an upstream that closes without an answer is 502") { Answer = new("", AnswerEnd.Close), Status = [502] },
        new("RFC 9112 9.2: a second answer nobody asked for reaches nobody") { Answer = new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), ClientBody = "ok" },

        // Frames that are no HTTP/2: RFC 9113 sections 4 to 6. The connection is given up.
        GivenUp("RFC 9113 5.1.1: a request on an even stream", wire => wire.SendHeadersAsync(2, Get)),
        GivenUp("RFC 9113 6.2: a header block on stream 0", wire => wire.SendHeadersAsync(0, Get)),
        GivenUp("RFC 9113 6.1: data on stream 0", wire => wire.SendDataAsync(0, "hello")),
        GivenUp("RFC 9113 5.1: data on a stream that is idle", wire => wire.SendDataAsync(5, "hello")),
        GivenUp("RFC 9113 5.1: a reset of a stream that is idle", wire => wire.SendAsync(ResetStream, 0, 5, [0, 0, 0, 8])),
        GivenUp("RFC 9113 5.1.1: a stream with a number below the last one", async wire => { await wire.SendHeadersAsync(5, Get); await wire.SendHeadersAsync(3, Get); }) with { Reach = 1 },
        GivenUp("RFC 9113 4.2: a frame larger than allowed", wire => wire.SendAsync(Data, 0, 1, new byte[16385])),
        GivenUp("RFC 9113 6.5: settings on a stream", wire => wire.SendAsync(Settings, 0, 1, [])),
        GivenUp("RFC 9113 6.5: settings of a length that is no multiple of six", wire => wire.SendAsync(Settings, 0, 0, [0, 1, 0])),
        GivenUp("RFC 9113 6.5: an acknowledgement of settings with content", wire => wire.SendAsync(Settings, Ack, 0, [0, 1, 0, 0, 0, 0])),
        GivenUp("RFC 9113 6.5.2: a window in settings beyond 31 bits", wire => wire.SendAsync(Settings, 0, 0, [0, 4, 0xff, 0xff, 0xff, 0xff])),
        GivenUp("RFC 9113 6.5.2: a frame size in settings below 16 KiB", wire => wire.SendAsync(Settings, 0, 0, [0, 5, 0, 0, 0, 1])),
        GivenUp("RFC 9113 6.7: a ping that is not of eight bytes", wire => wire.SendAsync(Ping, 0, 0, [1])),
        GivenUp("RFC 9113 6.7: a ping on a stream", wire => wire.SendAsync(Ping, 0, 1, new byte[8])),
        GivenUp("RFC 9113 6.9: a window update of 0", wire => wire.SendAsync(WindowUpdate, 0, 0, [0, 0, 0, 0])),
        GivenUp("RFC 9113 6.9.1: a window beyond 31 bits", wire => wire.SendAsync(WindowUpdate, 0, 0, [0x7f, 0xff, 0xff, 0xff])),
        GivenUp("RFC 9113 6.10: a continuation of nothing", wire => wire.SendAsync(Continuation, EndHeaders, 1, [])),
        GivenUp("RFC 9113 6.10: a frame in the middle of a header block", async wire => { await wire.SendAsync(Headers, EndStream, 1, Hpack.Write(Get)); await wire.SendAsync(Ping, 0, 0, new byte[8]); }),
        GivenUp("RFC 9113 6.10: a continuation of another stream's block", async wire => { await wire.SendAsync(Headers, EndStream, 1, Hpack.Write(Get)); await wire.SendAsync(Continuation, EndHeaders, 3, []); }),
        GivenUp("RFC 9113 6.1: more padding than payload", async wire => { await wire.SendHeadersAsync(1, Post, end: false); await wire.SendAsync(Data, EndStream | Padded, 1, [200, 1]); }),
        GivenUp("RFC 9113 8.4: a push of the client's", wire => wire.SendAsync(PushPromise, EndHeaders, 1, [0, 0, 0, 2])),
        GivenUp("RFC 7541 6.1: an index of 0", wire => wire.SendAsync(Headers, EndStream | EndHeaders, 1, [0x80])),
        GivenUp("RFC 7541 2.3.3: an index beyond the table", wire => wire.SendAsync(Headers, EndStream | EndHeaders, 1, [0xff, 0xff, 0x01])),
        GivenUp("RFC 7541 5.1: a number without an end", wire => wire.SendAsync(Headers, EndStream | EndHeaders, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        GivenUp("RFC 7541 5.2: a text longer than its block", wire => wire.SendAsync(Headers, EndStream | EndHeaders, 1, [0x00, 0x7e, 0x61])),
        GivenUp("RFC 7541 5.2: a Huffman text with the end symbol", wire => wire.SendAsync(Headers, EndStream | EndHeaders, 1, [0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00])),
        GivenUp("RFC 7541 6.3: a table larger than allowed", wire => wire.SendAsync(Headers, EndStream | EndHeaders, 1, [0x3f, 0xff, 0xff, 0x7f, .. Hpack.Write(Get)])),
    }.ToDictionary(test => test.Name);

    /// <summary>Sends a header block of any size in frames of the size everybody takes.</summary>
    /// <param name="wire">The connection.</param>
    /// <param name="block">The block.</param>
    public static async Task BlockAsync(Http2Wire wire, byte[] block)
    {
        const int Size = 16384;
        for (var at = 0; at < block.Length; at += Size)
        {
            var last = at + Size >= block.Length;
            await wire.SendAsync(
                at == 0 ? Headers : Continuation, (byte)((at == 0 ? EndStream : 0) | (last ? EndHeaders : 0)), 1, block[at..Math.Min(block.Length, at + Size)]);
        }
    }

    private static Http2Case Refused(string name, (string Name, string Value)[] fields, string? body = null) => new(name)
    {
        Fields = fields,
        Body = body,
        Status = [400, 404, 405, 501, Reset],
        Reach = 0,
    };

    private static Http2Case Maybe(string name, (string Name, string Value)[] fields, string? body = null) => new(name)
    {
        Fields = fields,
        Body = body,
        Status = [200, 400, Reset],
        UpstreamBody = body ?? "",
        UpstreamLacks = ["chunked\r\nTransfer"],
    };

    private static Http2Case Cut(string name, string answer, AnswerEnd end) => new(name) { Answer = new(answer, end), Status = [502, Reset] };

    private static Http2Case GivenUp(string name, Func<Http2Wire, Task> send) => new(name) { Send = send, Status = [Reset, 200], Reach = 0, GivesUp = true };
}
