using System.Net;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>What came of sending an attempt, up to its response's headers.</summary>
/// <param name="Failure">Why there is no response; null where there is one, or where <paramref name="Answered"/>.</param>
/// <param name="Answered">Whether the client has its answer already, or is gone: nothing is left to do.</param>
internal readonly record struct SendResult(AttemptFailure? Failure, bool Answered)
{
    /// <summary>The client has its answer.</summary>
    public static readonly SendResult Done = new(null, Answered: true);
}

/// <summary>Sends one attempt and says what came of it. Two steps with the transport in between, because that is all that attempts side by side share.</summary>
internal sealed partial class AttemptSender(ILogger<AttemptSender> logger)
{
    /// <summary>
    /// Builds the message and gives it to the transport. On the request's own flow: the client's request is read here, and has one reader. A message
    /// that cannot be built is a failure of its attempt, like one that cannot be sent.
    /// </summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="feature">YARP's view of it.</param>
    /// <param name="attempt">The attempt.</param>
    /// <returns>The response to come; null where a transform answered the client by itself.</returns>
    public static async ValueTask<Task<HttpResponseMessage>?> StartAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt)
    {
        try
        {
            if (!await RequestCopy.BuildAsync(exchange, feature, attempt))
            {
                exchange.AttemptEnded(attempt, Words.Success, AttemptVerdict.Nothing);
                return null;
            }

            return attempt.Cluster.Client.SendAsync(attempt.Request!, attempt.Token);
        }
        catch (Exception error)
        {
            return Task.FromException<HttpResponseMessage>(error);
        }
    }

    /// <summary>Says what the transport's result means. On the request's own flow again: a client at fault is answered here.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="sent">What <see cref="StartAsync"/> gave, completed.</param>
    public async ValueTask<SendResult> JudgeAsync(Exchange exchange, Attempt attempt, Task<HttpResponseMessage> sent)
    {
        try
        {
            attempt.Response = await sent;
        }
        catch (Exception error)
        {
            await attempt.StopBodyAsync();
            if (await ClientFault.EndsAsync(exchange, attempt))
            {
                return SendResult.Done;
            }

            var failure = attempt.End switch
            {
                AttemptEnd.AttemptTimeout => new AttemptFailure(ProxyError.AttemptTimeout, NotReceived: false, StaleConnection: false, error),
                AttemptEnd.TotalTimeout => new AttemptFailure(ProxyError.TotalTimeout, NotReceived: false, StaleConnection: false, error),
                _ => FailureClassifier.Classify(error),
            };
            if (TimeoutKindOf(failure.Error) is { } kind)
            {
                exchange.Route!.Metrics.TimedOut(kind);
            }

            Log.AttemptFailed(logger, exchange.Route!.Id, attempt.Destination.Id, failure.Error.Word, failure.Error.Detail, error);
            return new(failure, Answered: false);
        }

        if (attempt.Response.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            await attempt.StopBodyAsync(); // nobody asked for an upgrade
            return new(new AttemptFailure(ProxyError.Protocol, NotReceived: false, StaleConnection: false, null), Answered: false);
        }

        return default;
    }

    /// <summary>Which timer an error stands for; null for none.</summary>
    /// <param name="error">The error.</param>
    public static TimeoutKind? TimeoutKindOf(ProxyError error) =>
        ReferenceEquals(error, ProxyError.ConnectionTimeout) ? TimeoutKind.Connect
        : ReferenceEquals(error, ProxyError.AttemptTimeout) ? TimeoutKind.Attempt
        : ReferenceEquals(error, ProxyError.TotalTimeout) ? TimeoutKind.Total
        : null;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Route {Route}, destination {Destination}: {Reason}: {Detail}")]
        public static partial void AttemptFailed(ILogger logger, string route, string destination, string reason, string detail, Exception error);
    }
}
