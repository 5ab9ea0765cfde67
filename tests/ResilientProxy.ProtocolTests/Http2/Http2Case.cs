using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests.Http2;

/// <summary>Frames to send, and what must become of them. Besides, for every case: what reaches the upstream is well framed HTTP/1.1, and a connection
/// that stays open serves a further stream.</summary>
/// <param name="Name">What is so, with its RFC section in front.</param>
internal sealed record Http2Case(string Name)
{
    /// <summary>In <see cref="Status"/>: the stream or the connection is reset.</summary>
    public const int Reset = 0;

    private static readonly (string Name, string Value)[] Plain = [(":method", "GET"), (":scheme", "http"), (":authority", "a.example"), (":path", "/case")];

    /// <summary>Fields behind the pseudo-fields of a plain request.</summary>
    public IReadOnlyList<(string Name, string Value)> More { get; init; } = [];

    /// <summary>All fields, where a plain GET will not do.</summary>
    public IReadOnlyList<(string Name, string Value)> Fields { get; init; } = Plain;

    /// <summary>The body; null for none.</summary>
    public string? Body { get; init; }

    /// <summary>Sent in place of a request on stream 1.</summary>
    public Func<Http2Wire, Task>? Send { get; init; }

    /// <summary>What the upstream answers.</summary>
    public UpstreamAnswer? Answer { get; init; }

    /// <summary>The statuses any of which is right.</summary>
    public IReadOnlyList<int> Status { get; init; } = [200];

    /// <summary>How many whole requests reach the upstream; fewer where the request was refused as <see cref="Status"/> allows.</summary>
    public int Reach { get; init; } = 1;

    /// <summary>Whether the connection must be given up.</summary>
    public bool GivesUp { get; init; }

    /// <summary>What the requests at the upstream hold, regardless of case.</summary>
    public IReadOnlyList<string> UpstreamHas { get; init; } = [];

    /// <summary>What they do not hold.</summary>
    public IReadOnlyList<string> UpstreamLacks { get; init; } = [];

    /// <summary>The body at the upstream.</summary>
    public string? UpstreamBody { get; init; }

    /// <summary>The names the response does not have.</summary>
    public IReadOnlyList<string> ClientLacks { get; init; } = [];

    /// <summary>The body of the response; null where it does not matter.</summary>
    public string? ClientBody { get; init; }

    /// <summary>A plain request with other pseudo-fields.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path.</param>
    /// <param name="authority">The authority.</param>
    /// <param name="scheme">The scheme.</param>
    public static (string Name, string Value)[] Head(string method = "GET", string path = "/case", string authority = "a.example", string scheme = "http") =>
        [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)];
}
