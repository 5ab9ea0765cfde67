using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>Short ways to write messages.</summary>
internal static class Http
{
    /// <summary>A request that must never be seen as one: it stands where a lenient reader looks for the next request.</summary>
    public const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";

    /// <summary>A GET.</summary>
    /// <param name="fields">Further fields, each with its line end.</param>
    /// <param name="target">The target.</param>
    public static string Get(string fields = "", string target = "/case") => $"GET {target} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n";

    /// <summary>A POST.</summary>
    /// <param name="fields">Further fields, each with its line end.</param>
    /// <param name="body">The body's bytes.</param>
    public static string Post(string fields, string body) => $"POST /case HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n{body}";

    /// <summary>A POST with a chunked body.</summary>
    /// <param name="body">The body's bytes.</param>
    /// <param name="fields">Further fields, each with its line end.</param>
    public static string Chunked(string body, string fields = "") => Post("Transfer-Encoding: chunked\r\n" + fields, body);

    /// <summary>An answer.</summary>
    /// <param name="head">The head's lines, each with its line end.</param>
    /// <param name="body">The body's bytes.</param>
    /// <param name="end">What becomes of the connection.</param>
    public static UpstreamAnswer Answer(string head, string body = "", AnswerEnd end = AnswerEnd.Open) => new($"HTTP/1.1 {head}\r\n{body}", end);

    /// <summary>A request that is refused, and whose connection is closed.</summary>
    /// <param name="name">What is so.</param>
    /// <param name="request">The request.</param>
    /// <param name="status">The statuses any of which is right; 400 where none is given.</param>
    public static ProtocolCase Refused(string name, string request, params int[] status) => new(name)
    {
        Request = request,
        Status = [.. status.Length == 0 ? [400] : status, ProtocolCase.NoResponse],
        Reach = 0,
        Afterwards = Afterwards.Closes,
    };

    /// <summary>A request that may be refused; where it is not it reaches the upstream once, well framed.</summary>
    /// <param name="name">What is so.</param>
    /// <param name="request">The request.</param>
    /// <param name="body">The body at the upstream.</param>
    public static ProtocolCase Once(string name, string request, string body = "") => new(name)
    {
        Request = request,
        Status = [200, 400, 501, ProtocolCase.NoResponse],
        MayBeRefused = true,
        UpstreamBody = body,
    };
}
