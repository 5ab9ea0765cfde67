using ResilientProxy.Admission;
using ResilientProxy.Errors;
using ResilientProxy.Retry;

namespace ResilientProxy.Forwarding;

/// <summary>Whether a failed attempt is followed by another one. Every arm is a promise of the contract, section 2.</summary>
internal static class RetryDecision
{
    /// <summary>Why none follows, as metrics and log say it.</summary>
    public const string Budget = "budget";

    /// <summary>All attempts are used up.</summary>
    public const string Attempts = "attempts";

    /// <summary>The wait would not end in time.</summary>
    public const string Deadline = "deadline";

    /// <summary>The request's body was not kept.</summary>
    public const string BodyTooLarge = "body_too_large";

    /// <summary>The method may not reach an upstream twice.</summary>
    public const string Method = "method";

    /// <summary>A byte of the response went to the client.</summary>
    public const string ResponseStarted = "response_started";

    /// <summary>No destination would take it.</summary>
    public const string NoDestination = "no_destination";

    /// <summary>Whether a failure is one that the route retries at all.</summary>
    /// <param name="policy">The route's retries.</param>
    /// <param name="failure">The failure.</param>
    public static bool IsCondition(RetryPolicy policy, AttemptFailure failure) =>
        failure.NotReceived ? policy.OnConnectFailure
        : ReferenceEquals(failure.Error, ProxyError.AttemptTimeout) ? policy.OnAttemptTimeout
        : ReferenceEquals(failure.Error, ProxyError.ConnectionTerminated) && policy.OnReset;

    /// <summary>What forbids another attempt; null where nothing does. The budget is asked last: what is forbidden anyway must not use it up.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="policy">The route's retries.</param>
    /// <param name="retries">How many there were.</param>
    /// <param name="hasDestination">Whether there is a destination that could take another attempt.</param>
    /// <param name="notReceived">Whether the upstream provably never got the request.</param>
    /// <param name="wait">How long the backoff would be.</param>
    /// <param name="timeLeft">How long the whole request may still take.</param>
    /// <param name="overload">Whether the proxy itself is short of something: then what comes on top stops first.</param>
    public static string? WhatForbids(
        Exchange exchange, RetryPolicy policy, int retries, bool hasDestination, bool notReceived, TimeSpan wait, TimeSpan timeLeft, OverloadState overload)
    {
        if (exchange.Context.Response.HasStarted)
        {
            return ResponseStarted;
        }

        if (!notReceived && !policy.MayRepeat(exchange.Context.Request.Method))
        {
            return Method;
        }

        if (retries >= policy.Options.MaxRetryAttempts)
        {
            return Attempts;
        }

        if (exchange.Body is { CanReplay: false })
        {
            return BodyTooLarge;
        }

        if (wait >= timeLeft)
        {
            return Deadline;
        }

        if (!hasDestination)
        {
            return NoDestination; // every circuit is open by now: an attempt would only use the budget up
        }

        return !overload.StopsRetries && policy.Budget.TryTake() ? null : Budget;
    }
}
