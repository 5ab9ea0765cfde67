using ResilientProxy.Timeouts;

namespace ResilientProxy.Configuration;

/// <summary>The listener for operators: probes, metrics, state.</summary>
internal sealed record AdminOptions
{
    /// <summary>Where it listens: an absolute http URL with an IP address or "localhost"; port 0 takes a free one.</summary>
    public string Url { get; init; } = "http://127.0.0.1:9901";

    /// <summary>The bearer token that POST requests must carry; none asked for where it is not set.</summary>
    public string? Token { get; init; }

    /// <summary>How long the proxy goes on accepting after a drain began, so that load balancers see the readiness fail first. 0 to 10 min.</summary>
    [DurationRange("0s", "10m")]
    public TimeSpan DrainDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long requests in flight may take once the listener has closed; what is left then is reset. 0 to 1 h.</summary>
    [DurationRange("0s", "1h")]
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
