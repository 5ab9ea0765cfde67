using System.ComponentModel.DataAnnotations;
using ResilientProxy.Timeouts;
using ResilientProxy.Values;

namespace ResilientProxy.Retry;

/// <summary>How the wait before a retry grows; the names are Polly's.</summary>
internal enum BackoffType
{
    /// <summary>The same wait every time.</summary>
    Constant,

    /// <summary>One <c>Delay</c> more every time.</summary>
    Linear,

    /// <summary>Twice as long every time.</summary>
    Exponential,
}

/// <summary>When a failed attempt is followed by another one, and by how many.</summary>
internal sealed record RetryOptions
{
    /// <summary>Attempts after the first one; 0 to 10.</summary>
    [Range(0, 10)]
    public int MaxRetryAttempts { get; init; } = 2;

    /// <summary>What is retried: "connect-failure", "reset", "attempt-timeout", a status such as "503", or a gRPC status such as "grpc:unavailable".</summary>
    public IReadOnlyList<RetryCondition> On { get; init; } =
    [
        RetryCondition.ConnectFailure, RetryCondition.Reset, RetryCondition.AttemptTimeout,
        RetryCondition.OfStatus(502), RetryCondition.OfStatus(503), RetryCondition.OfStatus(504),
    ];

    /// <summary>Methods that may be sent twice. Others are sent again only where the upstream provably never got the request.</summary>
    public IReadOnlyList<string> Methods { get; init; } = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

    /// <summary>How the wait grows.</summary>
    public BackoffType BackoffType { get; init; } = BackoffType.Exponential;

    /// <summary>The first wait; 0 to 1 min. There is none before the first retry at another destination.</summary>
    [DurationRange("0s", "1m")]
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>The longest wait; 0 to 10 min.</summary>
    [DurationRange("0s", "10m")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether a wait is anywhere between nothing and its full length, so that callers that failed together do not come back together.</summary>
    public bool UseJitter { get; init; } = true;

    /// <summary>What bounds the retries of a route as a whole, so that they never turn an outage into a storm.</summary>
    public RetryBudgetOptions Budget { get; init; } = new();

    /// <summary>How much of a request's body is kept to be sent again; 0 to 64 MiB. A larger body streams through, and its request is not retried.</summary>
    [SizeRange("0", "64MiB")]
    public int MaxReplayBytes { get; init; } = 64 * 1024;
}

/// <summary>What bounds the retries of a route as a whole.</summary>
internal sealed record RetryBudgetOptions
{
    /// <summary>Retries as a share of the requests of the last 10 s; 0 to 10.</summary>
    [Range(0.0, 10.0)]
    public double Ratio { get; init; } = 0.2;

    /// <summary>Retries a second that are always allowed; 0 to 1000000.</summary>
    [Range(0, 1_000_000)]
    public int MinRetriesPerSecond { get; init; } = 10;
}
