using System.ComponentModel.DataAnnotations;
using ResilientProxy.Timeouts;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Kestrel;

/// <summary>
/// What one client may ask for: Kestrel's own limits; where no default is named here, Kestrel's own holds. Those of the head are always in force;
/// a body may have any size and any pace, because a route's own <c>MaxRequestBodySize</c> and <c>Timeouts.Idle</c> say what is too much.
/// </summary>
internal sealed record KestrelLimits
{
    /// <summary>Connections of clients at the same time, further ones are closed; at least 1, null for any number.</summary>
    [Range(1, int.MaxValue)]
    public long? MaxConcurrentConnections { get; init; } = 20_000;

    /// <summary>Upgraded connections (WebSockets) at the same time, which do not count as connections; at least 1, null for any number.</summary>
    [Range(1, int.MaxValue)]
    public long? MaxConcurrentUpgradedConnections { get; init; } = 10_000;

    /// <summary>The largest request body; 0 to 1024 GiB, unlimited by default. A route's <c>MaxRequestBodySize</c> goes before it.</summary>
    [SizeRange("0", "1024GiB")]
    public long? MaxRequestBodySize { get; init; }

    /// <summary>How much of a request is read ahead of its reader; 1 B to 1 GiB.</summary>
    [SizeRange("1", "1GiB")]
    public long? MaxRequestBufferSize { get; init; }

    /// <summary>How much of a response waits for a slow client; 0 to 1 GiB.</summary>
    [SizeRange("0", "1GiB")]
    public long? MaxResponseBufferSize { get; init; }

    /// <summary>The longest request line; 1 B to 1 GiB. Longer: 414.</summary>
    [SizeRange("1", "1GiB")]
    public int MaxRequestLineSize { get; init; } = 8 * 1024;

    /// <summary>All request headers together; 1 B to 1 GiB. More: 431.</summary>
    [SizeRange("1", "1GiB")]
    public int MaxRequestHeadersTotalSize { get; init; } = 32 * 1024;

    /// <summary>The number of request headers; at least 1. More: 431.</summary>
    [Range(1, int.MaxValue)]
    public int MaxRequestHeaderCount { get; init; } = 100;

    /// <summary>How long a connection without a request is kept; 1 s to 24 h.</summary>
    [DurationRange("1s", "24h")]
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(130);

    /// <summary>How long a client may take for its headers, from their first byte; 1 s to 24 h. Longer: 408, and the connection is closed.</summary>
    [DurationRange("1s", "24h")]
    public TimeSpan RequestHeadersTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How slow a request body may come before it is given up; any pace by default.</summary>
    public KestrelDataRate? MinRequestBodyDataRate { get; init; }

    /// <summary>How slow a client may take its response before it is given up; any pace by default.</summary>
    public KestrelDataRate? MinResponseDataRate { get; init; }

    /// <summary>Limits of HTTP/2 connections.</summary>
    public KestrelHttp2Limits? Http2 { get; init; } = new();
}

/// <summary>The slowest pace allowed.</summary>
internal sealed record KestrelDataRate
{
    /// <summary>Bytes per second; more than 0.</summary>
    [Range(0.001, 1e12)]
    public required double BytesPerSecond { get; init; }

    /// <summary>How long a slower pace is borne; 1001 ms to 1 h.</summary>
    [DurationRange("1001ms", "1h")]
    public required TimeSpan GracePeriod { get; init; }
}

/// <summary>Limits of HTTP/2 connections.</summary>
internal sealed record KestrelHttp2Limits
{
    /// <summary>Requests at the same time on one connection; at least 1.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxStreamsPerConnection { get; init; } = 100;

    /// <summary>The header compression table; 0 to 1 GiB.</summary>
    [SizeRange("0", "1GiB")]
    public int? HeaderTableSize { get; init; }

    /// <summary>The largest frame taken; 16 KiB to 16777215 B.</summary>
    [SizeRange("16KiB", "16777215")]
    public int? MaxFrameSize { get; init; }

    /// <summary>The largest header; 1 B to 1 GiB.</summary>
    [SizeRange("1", "1GiB")]
    public int? MaxRequestHeaderFieldSize { get; init; }

    /// <summary>What a connection may send unread; 64 KiB to 2 GiB - 1.</summary>
    [SizeRange("65535", "2147483647")]
    public int? InitialConnectionWindowSize { get; init; }

    /// <summary>What one request may send unread; 64 KiB to 2 GiB - 1.</summary>
    [SizeRange("65535", "2147483647")]
    public int? InitialStreamWindowSize { get; init; }

    /// <summary>After how long a silence a ping is sent; 1 s to 24 h.</summary>
    [DurationRange("1s", "24h")]
    public TimeSpan? KeepAlivePingDelay { get; init; }

    /// <summary>How long a ping's answer may take; 1 s to 24 h.</summary>
    [DurationRange("1s", "24h")]
    public TimeSpan? KeepAlivePingTimeout { get; init; }
}
