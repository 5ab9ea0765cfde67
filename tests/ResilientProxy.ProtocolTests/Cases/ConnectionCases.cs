using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>Connections: how long they live, and which answer is whose.</summary>
internal static class ConnectionCases
{
    private const string Old = "GET /case HTTP/1.0\r\nHost: a.example\r\n";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProtocolCase> All { get; } =
    [
        new("RFC 9112 9.3: HTTP/1.1 stays open") { Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 9.6: HTTP/1.1 with close closes, and says so") { Request = Get("Connection: close\r\n"), ClientHas = ["Connection: close"], Afterwards = Afterwards.Closes },
        new("RFC 9112 9.6: close in a list closes") { Request = Get("Connection: X-Hop, Close\r\n"), Afterwards = Afterwards.Closes },
        new("RFC 9112 9.3: HTTP/1.0 closes") { Request = Old + "\r\n", Afterwards = Afterwards.Closes },
        new("RFC 9112 9.3: HTTP/1.0 with keep-alive stays open or closes, in step") { Request = Old + "Connection: keep-alive\r\n\r\n" },
        new("RFC 9112 9.6: close does not reach the upstream's connection as the client's") { Request = Get("Connection: close\r\nX-Field: 1\r\n"), UpstreamHas = ["X-Field: 1"], Afterwards = Afterwards.Closes },
        new("RFC 9112 9.3.2: three pipelined requests get their answers in order")
        { Request = Get(target: "/1") + Get(target: "/2") + Get(target: "/3"), Responses = 3, Reach = 3, Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 9.3.2: a pipelined HEAD is answered as one")
        { Request = Get() + "HEAD /case HTTP/1.1\r\nHost: a.example\r\n\r\n" + Get(), Responses = 3, ToHead = [1], Reach = 3, Answer = Answer("304 Not Modified\r\nContent-Length: 5\r\n"), Status = [304], Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 9.6: what follows a request with close is not served")
        { Request = Get("Connection: close\r\n") + Smuggled, Afterwards = Afterwards.Closes },
        new("RFC 9112 9.3.2: a malformed pipelined request does not harm the one before it")
        { Request = Get() + "GET /smuggled HTTP/1.1\r\nHost : a.example\r\n\r\n", Responses = 2, Status = [400, 0], Reach = 1, Afterwards = Afterwards.Closes },
        new("RFC 9112 9.3.2: fifty pipelined requests get fifty answers")
        { Request = string.Concat(Enumerable.Repeat(Get(), 50)), Responses = 50, Reach = 50, Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 15.6.3: after an error of the upstream the client's connection is in step")
        { Answer = new("", Wire.AnswerEnd.Close), Status = [502], Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 15.6.3: after an error of the upstream with a body in hand the client's connection is in step or closed")
        { Request = Post("Content-Length: 5\r\n", "hello"), Answer = new("", Wire.AnswerEnd.Reset), Status = [502] },
        new("RFC 9112 9.3: after an upstream's 500 the client's connection stays open")
        { Answer = Answer("500 Oops\r\nContent-Length: 0\r\n"), Status = [500], Afterwards = Afterwards.StaysOpen },
        Refused("RFC 9112 9.3: after a malformed request nothing more is read from the connection", "GET /case HTTP/1.1\r\nHost: a.example\r\nBad Field: 1\r\n\r\n" + Smuggled),
        new("RFC 9112 9.6: a connection that is closed after a whole request with close is an answered one")
        { Request = Get("Connection: close\r\n"), HalfClose = false, Afterwards = Afterwards.Closes, ClientBody = "ok" },
    ];
}
