using ResilientProxy.Values;

namespace ResilientProxy.Telemetry;

/// <summary>How a line of the access log is written.</summary>
internal enum AccessLogFormat
{
    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>Words and figures for a terminal.</summary>
    Text,
}

/// <summary>The access log: one line a request.</summary>
internal sealed record AccessLogOptions
{
    /// <summary>"stdout", "off", or a file's path.</summary>
    public string Path { get; init; } = "stdout";

    /// <summary>How a line is written.</summary>
    public AccessLogFormat Format { get; init; } = AccessLogFormat.Json;

    /// <summary>The share of successful requests that get a line, 0 to 1; every other request always gets one.</summary>
    [System.ComponentModel.DataAnnotations.Range(0.0, 1.0)]
    public double SuccessSampling { get; init; } = 1.0;

    /// <summary>Request headers to show in each line, such as ["User-Agent"]; none by default. The value of one that carries credentials is always "***".</summary>
    public IReadOnlyList<HeaderName> Headers { get; init; } = [];

    /// <summary>By value, the list too: a reload compares.</summary>
    public bool Equals(AccessLogOptions? other) =>
        other is not null && (Path, Format, SuccessSampling) == (other.Path, other.Format, other.SuccessSampling) && Headers.SequenceEqual(other.Headers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Path, Format, SuccessSampling, Headers.Count);
}
