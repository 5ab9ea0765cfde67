using System.Net;

namespace ResilientProxy.Telemetry;

/// <summary>What the access log says about one request: values only, nothing that lives and dies with the request.</summary>
internal readonly record struct AccessLogEntry
{
    /// <summary>When the request arrived.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The route's id, or <see cref="ProxyMetrics.NoRoute"/>.</summary>
    public required string Route { get; init; }

    /// <summary>The cluster's id; empty where there is no route.</summary>
    public required string Cluster { get; init; }

    public required string Method { get; init; }

    /// <summary>The path without the query.</summary>
    public required string Path { get; init; }

    /// <summary>Whether there was a query; what it said is not logged, it may hold secrets.</summary>
    public bool HasQuery { get; init; }

    /// <summary>What the client was told; 0 where nothing was.</summary>
    public required int Status { get; init; }

    /// <summary>Body bytes from the client.</summary>
    public long BytesIn { get; init; }

    /// <summary>Body bytes to the client.</summary>
    public long BytesOut { get; init; }

    /// <summary>From arrival until the response ended.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The client's address, where there is one.</summary>
    public IPAddress? Client { get; init; }

    /// <summary>As the server names it: <c>HTTP/1.1</c>, <c>HTTP/2</c>.</summary>
    public required string Protocol { get; init; }

    public string? TraceId { get; init; }

    public required RequestOutcome Outcome { get; init; }

    /// <summary>The reason word of what went wrong, or null.</summary>
    public string? Reason { get; init; }

    /// <summary>The attempts made, in order; null or empty where there was none. Must not change any more.</summary>
    public IReadOnlyList<AttemptRecord>? Attempts { get; init; }

    /// <summary>The request's headers that the config asks for, by <see cref="AccessLog.Headers"/>; null where it asks for none.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>>? Headers { get; init; }

    /// <summary>Why no further attempt was made, or null.</summary>
    public string? Stopped { get; init; }
}
