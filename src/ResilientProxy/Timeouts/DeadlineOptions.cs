namespace ResilientProxy.Timeouts;

/// <summary>How a caller says until when it waits; a gRPC caller's <c>grpc-timeout</c> always counts.</summary>
internal sealed record DeadlineOptions
{
    /// <summary>The request header that holds the caller's time left in milliseconds, such as "X-Request-Timeout-Ms".</summary>
    public string? Header { get; init; }
}
