using System.Globalization;
using ResilientProxy.Errors;
using ResilientProxy.Retry;

namespace ResilientProxy.Forwarding;

/// <summary>What a response's head says: whether it is one to try again for, what it says about the destination, and whether that asks for less.</summary>
/// <param name="RetryWord">The word of a response that is tried again for; null for one that goes to the client.</param>
/// <param name="Verdict">What it says about the destination.</param>
/// <param name="RetryAfter">How long the destination asks to be left alone; zero where it does not.</param>
internal readonly record struct ResponseVerdict(string? RetryWord, AttemptVerdict Verdict, TimeSpan RetryAfter)
{
    // Back pressure without a time: a moment is better than going on as before.
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>How long the destination is passed over where there are others; zero where it may go on.</summary>
    public TimeSpan Backpressure => Verdict != AttemptVerdict.Nothing ? TimeSpan.Zero : RetryAfter > TimeSpan.Zero ? RetryAfter : Moment;

    /// <summary>Looks at a response.</summary>
    /// <param name="retry">The route's retries; null where there are none.</param>
    /// <param name="response">The response.</param>
    /// <param name="time">The clock.</param>
    public static ResponseVerdict Of(RetryPolicy? retry, HttpResponseMessage response, TimeProvider time)
    {
        var status = (int)response.StatusCode;
        var word = retry?.IsCondition(status) == true ? Words.OfStatus(status) : null;
        if (status < 400)
        {
            // A gRPC answer of headers only: its status is a header there, and a trailer of every other answer.
            return retry is { LooksAtGrpc: true } && TryGetGrpcStatus(response, out var grpc) && retry.IsGrpcCondition(grpc)
                ? new(Words.OfGrpc(grpc), AttemptVerdict.Failure, TimeSpan.Zero)
                : new(word, AttemptVerdict.Success, TimeSpan.Zero);
        }

        var retryAfter = Forwarding.RetryAfter.Of(response, time);
        return status switch
        {
            StatusCodes.Status429TooManyRequests => new(word, AttemptVerdict.Nothing, retryAfter),
            StatusCodes.Status503ServiceUnavailable when retryAfter > TimeSpan.Zero => new(word, AttemptVerdict.Nothing, retryAfter),
            500 or 502 or 503 or 504 => new(word, AttemptVerdict.Failure, TimeSpan.Zero),
            _ => new(word, AttemptVerdict.Success, TimeSpan.Zero),
        };
    }

    private static bool TryGetGrpcStatus(HttpResponseMessage response, out int status)
    {
        status = 0;
        return response.Headers.NonValidated.TryGetValues("grpc-status", out var values)
            && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out status);
    }
}
