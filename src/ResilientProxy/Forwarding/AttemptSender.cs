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

/// <summary>Sends one attempt and says what came of it. Three steps, because attempts that run side by side share only the middle one.</summary>
internal sealed partial class AttemptSender(ILogger<AttemptSender> logger)
{
    /// <summary>All three steps.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="feature">YARP's view of it.</param>
    /// <param name="attempt">The attempt.</param>
    public async ValueTask<SendResult> SendAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt)
    {
        Task<HttpResponseMessage>? sending;
        try
        {
            sending = await StartAsync(exchange, feature, attempt);
        }
        catch (Exception error)
        {
            sending = Task.FromException<HttpResponseMessage>(error);
        }

        return sending is null ? SendResult.Done : await JudgeAsync(exchange, attempt, sending);
    }

    /// <summary>Builds the message and gives it to the transport. On the request's own flow: the client's request is read here, and has one reader.</summary>
    /// <returns>The response to come; null where a transform answered the client by itself.</returns>
    public static async ValueTask<Task<HttpResponseMessage>?> StartAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt)
    {
        if (!await RequestCopy.BuildAsync(exchange, feature, attempt))
        {
            exchange.AttemptEnded(attempt, Words.Success, AttemptVerdict.Nothing);
            return null;
        }

        return attempt.Cluster.Client.SendAsync(attempt.Request!, attempt.Token);
    }

    /// <summary>Waits for the transport and says what its result means. On the request's own flow again: a client at fault is answered here.</summary>
    public async ValueTask<SendResult> JudgeAsync(Exchange exchange, Attempt attempt, Task<HttpResponseMessage> sending)
    {
        try
        {
            attempt.Response = await sending;
        }
        catch (Exception error)
        {
            await attempt.StopBodyAsync();
            if (await ClientFault.EndsAsync(exchange, attempt))
            {
                return SendResult.Done;
            }

            var failure = FailureClassifier.OfTimer(attempt.End, error) ?? FailureClassifier.Classify(error);
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
        : ReferenceEquals(error, ProxyError.IdleTimeout) ? TimeoutKind.Idle
        : null;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Route {Route}, destination {Destination}: {Reason}: {Detail}")]
        public static partial void AttemptFailed(ILogger logger, string route, string destination, string reason, string detail, Exception error);
    }
}
