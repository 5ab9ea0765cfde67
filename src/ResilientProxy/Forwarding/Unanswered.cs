using ResilientProxy.Errors;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>How a request ended that has no answer yet: what the caller will be told, unless the route has a fallback for it.</summary>
/// <param name="Error">The proxy's own error; null where an upstream's answer is to be replaced.</param>
/// <param name="UpstreamStatus">That answer's status; 0 where there is none.</param>
/// <param name="Outcome">How it is counted.</param>
/// <param name="NotReceived">Whether no upstream can have got the request.</param>
/// <param name="RetryAfterSeconds">The <c>Retry-After</c> to send, in seconds; 0 for none.</param>
internal sealed record Unanswered(ProxyError? Error, int UpstreamStatus, RequestOutcome Outcome, bool NotReceived, int RetryAfterSeconds)
{
    /// <summary>An attempt failed, and no other one follows.</summary>
    /// <param name="failure">The failure.</param>
    public static Unanswered Of(AttemptFailure failure) => new(
        failure.Error,
        0,
        failure.Error.StatusCode == StatusCodes.Status504GatewayTimeout ? RequestOutcome.Timeout : RequestOutcome.UpstreamError,
        failure.NotReceived,
        0);

    /// <summary>The proxy refused it before any upstream saw it.</summary>
    /// <param name="error">Why.</param>
    /// <param name="retryAfter">When it may be worth another try.</param>
    public static Unanswered Refused(ProxyError error, TimeSpan retryAfter) => new(
        error, 0, RequestOutcome.Rejected, NotReceived: true, Math.Max(1, (int)Math.Ceiling(Math.Min(retryAfter.TotalSeconds, int.MaxValue))));

    /// <summary>Its time is over.</summary>
    /// <param name="notReceived">Whether no upstream can have got it.</param>
    public static Unanswered OutOfTime(bool notReceived) => new(ProxyError.TotalTimeout, 0, RequestOutcome.Timeout, notReceived, 0);

    /// <summary>An upstream answered with what the route falls back for.</summary>
    /// <param name="status">Its status.</param>
    public static Unanswered Replaced(int status) => new(null, status, RequestOutcome.UpstreamError, NotReceived: false, 0);
}
