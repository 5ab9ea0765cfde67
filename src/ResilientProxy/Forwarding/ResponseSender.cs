using System.Runtime.CompilerServices;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Sends the answer that counts to the client, and says how that went.</summary>
internal sealed partial class ResponseSender(ResponseCopy copy, ILogger<ResponseSender> logger)
{
    /// <summary>Sends the response as it comes.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="feature">YARP's view of it.</param>
    /// <param name="attempt">The attempt whose response it is.</param>
    /// <param name="verdict">What its status says about the destination.</param>
    /// <returns>The failure where the upstream broke it off; null where the client has its answer or its end.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<AttemptFailure?> SendAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt, AttemptVerdict verdict)
    {
        try
        {
            await copy.CopyAsync(exchange, attempt, feature.Route.Transformer);
            if (attempt.Content?.InProgress == true)
            {
                // The upstream answered without waiting for the whole request, as it may. Its answer has to reach the client now: nobody might
                // ever read the rest of the request.
                await exchange.Context.Response.CompleteAsync();
            }

            var status = (int)attempt.Response!.StatusCode;
            exchange.AttemptEnded(attempt, status >= 500 ? Words.OfStatus(status) : Words.Success, verdict);
            exchange.Outcome = status >= 500 ? RequestOutcome.UpstreamError : RequestOutcome.Success;
            return null;
        }
        catch (Exception error)
        {
            await attempt.StopBodyAsync();
            if (await ClientFault.EndsAsync(exchange, attempt))
            {
                return null;
            }

            if (!exchange.Context.Response.HasStarted)
            {
                exchange.Context.Response.Clear(); // the head of an answer that never went out
            }

            var idle = attempt.End == AttemptEnd.IdleTimeout;
            if (idle)
            {
                exchange.Route!.Metrics.TimedOut(TimeoutKind.Idle);
            }

            var failure = new AttemptFailure(idle ? ProxyError.IdleTimeout : ProxyError.ConnectionTerminated, NotReceived: false, StaleConnection: false, error);
            Log.BrokeOff(logger, exchange.Route!.Id, attempt.Destination.Id, failure.Error.Detail, error);
            return failure;
        }
        finally
        {
            await attempt.StopBodyAsync();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Route {Route}, destination {Destination}: the response broke off: {Detail}")]
        public static partial void BrokeOff(ILogger logger, string route, string destination, string detail, Exception error);
    }
}
