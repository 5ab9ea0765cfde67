using ResilientProxy.Errors;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>A client that left, or sent something that is no message: no attempt is to blame, and none follows.</summary>
internal static class ClientFault
{
    /// <summary>Ends the exchange where the client is why an attempt failed.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="attempt">The attempt that failed; nothing reads the client's body any more.</param>
    /// <returns>Whether it did: there is nothing left to do.</returns>
    public static async ValueTask<bool> EndsAsync(Exchange exchange, Attempt attempt)
    {
        var answer = exchange.Body?.ClientErrorAnswer();
        var gone = attempt.End == AttemptEnd.ClientLeft || exchange.Context.RequestAborted.IsCancellationRequested
            || (answer is null && exchange.Body?.ClientError is not null); // a body that ends with the connection is a client that left
        if (gone)
        {
            exchange.AttemptEnded(attempt, Words.ClientLeft, AttemptVerdict.Nothing);
            exchange.ClientLeft();
        }
        else if (answer is not null)
        {
            exchange.AttemptEnded(attempt, Words.ClientError, AttemptVerdict.Nothing);
            await exchange.AnswerAsync(answer, RequestOutcome.Rejected);
        }

        return gone || answer is not null;
    }
}
