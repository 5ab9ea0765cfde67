namespace ResilientProxy.Http1;

/// <summary>What a client's connections go by.</summary>
internal sealed record Http1Settings
{
    /// <summary>Longest time to open a connection; infinite for any.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Most connections to one authority at a time; requests beyond it wait, first come, first served.</summary>
    public int MaxConnections { get; init; } = int.MaxValue;

    /// <summary>Most bytes of one response's head, and of its trailers.</summary>
    public int MaxHeadBytes { get; init; } = 64 * 1024;

    /// <summary>How old a connection may get before it is not used again; each one's own is up to a tenth shorter or longer, so that they are not all renewed at once.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a connection may lie idle: shorter than the patience of most servers, so that it is seldom found dead.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(50);

    /// <summary>How long a body with <c>Expect: 100-continue</c> is held back for an upstream that says nothing (RFC 9110 section 10.1.1).</summary>
    public TimeSpan ContinueTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
