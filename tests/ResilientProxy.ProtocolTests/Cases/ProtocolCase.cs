using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>What becomes of the client's connection.</summary>
internal enum Afterwards
{
    /// <summary>Either; but where it stays open it is in step: a further request gets its own answer.</summary>
    Either,

    /// <summary>It serves a further request.</summary>
    StaysOpen,

    /// <summary>The server ends it.</summary>
    Closes,
}

/// <summary>Bytes to send, and what must become of them on both sides. Besides, for every case: what reaches the upstream and what reaches the
/// client is well framed, a connection that stays open is in step, and everything ends within a bound.</summary>
/// <param name="Name">What is so, with its RFC section in front.</param>
internal sealed record ProtocolCase(string Name)
{
    /// <summary>In <see cref="Status"/>: the connection ends without a response.</summary>
    public const int NoResponse = 0;

    /// <summary>What the client sends.</summary>
    public string Request { get; init; } = "GET /case HTTP/1.1\r\nHost: a.example\r\n\r\n";

    /// <summary>Whether the client ends its side of the connection then.</summary>
    public bool HalfClose { get; init; }

    /// <summary>What the upstream answers; a plain 200 where nothing is said.</summary>
    public UpstreamAnswer? Answer { get; init; }

    /// <summary>The statuses any of which is right, for the last response.</summary>
    public IReadOnlyList<int> Status { get; init; } = [200];

    /// <summary>How many final responses come.</summary>
    public int Responses { get; init; } = 1;

    /// <summary>Which of them answer a HEAD, from 0.</summary>
    public IReadOnlyList<int> ToHead { get; init; } = [];

    /// <summary>How many whole requests reach the upstream.</summary>
    public int Reach { get; init; } = 1;

    /// <summary>Whether none or fewer is as good.</summary>
    public bool MayBeRefused { get; init; }

    /// <summary>What the requests at the upstream hold, regardless of case.</summary>
    public IReadOnlyList<string> UpstreamHas { get; init; } = [];

    /// <summary>What they do not hold.</summary>
    public IReadOnlyList<string> UpstreamLacks { get; init; } = [];

    /// <summary>The body of the last request at the upstream.</summary>
    public string? UpstreamBody { get; init; }

    /// <summary>What the responses hold, heads, bodies and trailers, regardless of case.</summary>
    public IReadOnlyList<string> ClientHas { get; init; } = [];

    /// <summary>What they do not hold.</summary>
    public IReadOnlyList<string> ClientLacks { get; init; } = [];

    /// <summary>The body of the last response; null where it does not matter.</summary>
    public string? ClientBody { get; init; }

    /// <summary>Whether the client must see that the last response is cut off, or get an error of the proxy's own in its place.</summary>
    public bool CutOff { get; init; }

    /// <summary>What becomes of the client's connection.</summary>
    public Afterwards Afterwards { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
