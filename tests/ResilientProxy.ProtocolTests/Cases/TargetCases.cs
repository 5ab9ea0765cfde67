using static ResilientProxy.ProtocolTests.Cases.Http;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>Targets and hosts.</summary>
internal static class TargetCases
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProtocolCase> All { get; } =
    [
        Refused("RFC 9112 3.2: a request without Host is refused", "GET /case HTTP/1.1\r\n\r\n"),
        Refused("RFC 9112 3.2: two Hosts are refused", "GET /case HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"),
        Refused("RFC 9112 3.2: two equal Hosts are refused", "GET /case HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n"),
        Refused("RFC 9112 3.2: a list of Hosts is refused", "GET /case HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n"),
        Refused("RFC 9112 3.2: a Host with a path is refused", "GET /case HTTP/1.1\r\nHost: a.example/path\r\n\r\n"),
        Refused("RFC 9110 4.2.4: a Host with user information is refused", "GET /case HTTP/1.1\r\nHost: user@a.example\r\n\r\n"),
        Refused("RFC 9112 3.2: a Host with a space is refused", "GET /case HTTP/1.1\r\nHost: a.example b.example\r\n\r\n"),
        Refused("RFC 9112 3.2: a Host with a port that is no number is refused", "GET /case HTTP/1.1\r\nHost: a.example:port\r\n\r\n"),
        Refused("RFC 9112 3.2: a folded Host is refused", "GET /case HTTP/1.1\r\nHost: a.example\r\n b.example\r\n\r\n"),
        new("RFC 9110 7.2: a Host with a port stays as it is towards X-Forwarded-Host or Host")
        { Request = "GET /case HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", UpstreamHas = ["a.example:8080"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9110 7.2: a Host that is an IPv6 address is one")
        { Request = "GET /case HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", UpstreamHas = ["[::1]:8080"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 3.2: a request of HTTP/1.0 needs no Host, and the upstream gets one all the same")
        { Request = "GET /case HTTP/1.0\r\n\r\n", UpstreamHas = ["Host: "], Afterwards = Afterwards.Closes },
        new("RFC 9112 3.2.2: a target in absolute form reaches the upstream in origin form")
        { Request = "GET http://a.example/case?x=1 HTTP/1.1\r\nHost: a.example\r\n\r\n", UpstreamHas = ["GET /case?x=1 HTTP/1.1"], Afterwards = Afterwards.StaysOpen },
        new("RFC 9112 3.2.2: the authority of an absolute target wins over Host, or the request is refused")
        { Request = "GET http://a.example/case HTTP/1.1\r\nHost: evil.example\r\n\r\n", Status = [200, 400], MayBeRefused = true, UpstreamLacks = ["evil.example"] },
        new("RFC 9112 3.2.2: an absolute target without a path is the root, or refused")
        { Request = "GET http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", Status = [200, 400], MayBeRefused = true, UpstreamHas = ["GET / HTTP/1.1"] },
        Refused("RFC 9110 4.2.4: an absolute target with user information is refused or loses it", "GET http://user:secret@a.example/case HTTP/1.1\r\nHost: a.example\r\n\r\n") with
        { Status = [200, 400], Reach = 1, MayBeRefused = true, UpstreamLacks = ["user:secret"], Afterwards = Afterwards.Either },
        Refused("RFC 9112 3.2.2: an absolute target of another scheme is refused", "GET file:///etc/passwd HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, 404, 421) with { Afterwards = Afterwards.Either },
        Refused("RFC 9112 3.2.3: CONNECT is refused: this is no forward proxy", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 400, 403, 404, 405, 501),
        Refused("RFC 9112 3.2.3: CONNECT with a path is refused", "CONNECT /case HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, 403, 404, 405, 501),
        Refused("RFC 9112 3.2.3: a GET of an authority is refused", "GET a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 400, 404, 405),
        Refused("RFC 9112 3.2.4: a GET of '*' is refused", "GET * HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, 404, 405) with { Afterwards = Afterwards.Either },
        new("RFC 9112 3.2.4: OPTIONS of '*' asks for the proxy itself: answered or refused")
        { Request = "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", Status = [200, 204, 400, 404, 405, 501], Reach = 0, Afterwards = Afterwards.Either },
        Refused("RFC 9112 3.2: a target without a slash in front is refused", "GET case HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, 404, 405),
        Refused("RFC 9112 3.2: a fragment in the target is refused, or not forwarded as such", Get(target: "/case#part")) with
        { Status = [200, 400, 404], Reach = 1, MayBeRefused = true, Afterwards = Afterwards.Either, UpstreamLacks = ["#"] },

        // RFC 3986 sections 2.1, 2.4 and 6.2.2: an escape means what it says to whom it is for.
        Untouched("RFC 3986 2.2: an escaped slash stays escaped", "/a%2Fb"),
        Untouched("RFC 3986 2.1: the case of an escape stays", "/a%2fb%C3%a4"),
        Untouched("RFC 3986 2.3: an escape nobody needs stays", "/%63ase%7E"),
        Untouched("RFC 3986 2.4: an escaped percent sign is not decoded twice", "/a%252Fb"),
        Untouched("RFC 3986 2.1: an escaped line end stays escaped", "/case%0d%0aX-Injected:%201"),
        Untouched("RFC 3986 3.4: a query stays byte by byte", "/case?a=%20+&b[]=/?&c=%00%0d%0a"),
        Untouched("RFC 3986 3.4: an empty query stays", "/case?"),
        Untouched("RFC 3986 3.3: empty segments stay", "/a//b///c"),
        Untouched("RFC 3986 3.3: a semicolon stays", "/a;x=1/b;jsessionid=2"),
        Untouched("RFC 3986 3.4: the query is not confused by an escaped question mark", "/a%3Fb?c"),
        new("RFC 3986 5.2.4: dot segments do not lead out of the root")
        { Request = Get(target: "/a/../../case"), Status = [200, 400], MayBeRefused = true, UpstreamHas = ["GET /"] , UpstreamLacks = ["/.."] },
        new("RFC 3986 6.2.2.3: escaped dot segments do not lead out of the root")
        { Request = Get(target: "/a/%2e%2e/%2E%2e/case"), Status = [200, 400], MayBeRefused = true, UpstreamLacks = ["%2e%2e", "/.."] },
    ];

    private static ProtocolCase Untouched(string name, string target) => new(name)
    {
        Request = Get(target: target),
        UpstreamHas = [$"GET {target} HTTP/1.1\r\n"],
        Afterwards = Afterwards.StaysOpen,
    };
}
