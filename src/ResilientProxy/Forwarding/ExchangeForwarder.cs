using ResilientProxy.Errors;
using ResilientProxy.LoadBalancing;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Takes one request to an upstream and its answer back: the order of everything that happens to it, read top to bottom.</summary>
internal sealed partial class ExchangeForwarder(TimerSweep sweep, ResponseCopy responseCopy, UpgradeForwarder upgrades, ILogger<ExchangeForwarder> logger)
{
    /// <summary>Forwards the request of a route that matched.</summary>
    /// <param name="context">The request; YARP's affinity has narrowed the destinations where it applies.</param>
    public async Task ForwardAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        var route = exchange.Route!;
        var feature = context.GetReverseProxyFeature();

        // 1. When the answer must have begun.
        var totalDue = sweep.DueAfter(exchange.Started, route.Options.Timeouts.Total);

        // 2. Where it goes.
        if (Choose(route.Cluster, feature) is not { } destination)
        {
            await exchange.AnswerAsync(ProxyError.NoDestination, RequestOutcome.Rejected, retryAfterSeconds: 1);
            return;
        }

        feature.ProxiedDestination = YarpStateOf(feature, destination);
        exchange.Attempts++;
        using var attempt = new Attempt(destination, sweep, route.Options.Timeouts.Attempt, totalDue, context.RequestAborted);

        // 3. An upgraded connection is YARP's own work: bytes in both directions, no message to judge.
        if (UpgradeForwarder.IsUpgrade(context))
        {
            await upgrades.ForwardAsync(exchange, attempt, feature);
            return;
        }

        // 4. The attempt, until its response's headers.
        exchange.Body = RequestBody.Of(context);
        LimitBody(context, route);
        try
        {
            if (!await RequestCopy.BuildAsync(exchange, feature, attempt))
            {
                return; // a transform answered
            }

            attempt.Response = await route.Cluster.Client.SendAsync(attempt.Request!, attempt.Token);
        }
        catch (Exception error)
        {
            await StopBodyAsync(attempt);
            await FailBeforeResponseAsync(exchange, attempt, error);
            return;
        }

        if (attempt.Response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
        {
            await StopBodyAsync(attempt);
            exchange.AttemptEnded(attempt, ProxyError.Protocol.Word);
            await exchange.AnswerAsync(ProxyError.Protocol, RequestOutcome.UpstreamError); // nobody asked for an upgrade
            return;
        }

        // 5. The response, as it comes.
        try
        {
            await responseCopy.CopyAsync(exchange, attempt, feature.Route.Transformer);
            if (attempt.Content?.InProgress == true)
            {
                // The upstream answered without waiting for the whole request, as it may. Its answer has to reach the client now: nobody might
                // ever read the rest of the request.
                await context.Response.CompleteAsync();
            }

            var status = (int)attempt.Response.StatusCode;
            exchange.AttemptEnded(attempt, status >= 500 ? Words.OfStatus(status) : Words.Success);
            exchange.Outcome = status >= 500 ? RequestOutcome.UpstreamError : RequestOutcome.Success;
        }
        catch (Exception error)
        {
            await FailInResponseAsync(exchange, attempt, error);
        }
        finally
        {
            await StopBodyAsync(attempt);
        }
    }

    private static ProxyDestination? Choose(ProxyCluster cluster, IReverseProxyFeature feature)
    {
        var destinations = cluster.Destinations;
        if (feature.AvailableDestinations.Count == destinations.Length)
        {
            return destinations.Length == 0 ? null : cluster.Selector.Pick(destinations);
        }

        // Affinity or a health check left only some of them.
        var left = new List<ProxyDestination>(feature.AvailableDestinations.Count);
        foreach (var destination in destinations)
        {
            if (YarpStateOf(feature, destination) is { } state && feature.AvailableDestinations.Contains(state))
            {
                left.Add(destination);
            }
        }

        return left.Count == 0 ? null : cluster.Selector.Pick(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(left));
    }

    // YARP's affinity cookie and host transform want its own object for the destination.
    private static DestinationState? YarpStateOf(IReverseProxyFeature feature, ProxyDestination destination)
    {
        foreach (var state in feature.AllDestinations)
        {
            if (string.Equals(state.DestinationId, destination.Id, StringComparison.OrdinalIgnoreCase))
            {
                return state;
            }
        }

        return null;
    }

    private static void LimitBody(HttpContext context, ProxyRoute route)
    {
        if (route.MaxRequestBodySize is { } limit
            && context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = limit < 0 ? null : limit;
        }
    }

    // The client's body has one reader: nothing may go on reading it once the attempt is over.
    private static async ValueTask StopBodyAsync(Attempt attempt)
    {
        if (attempt.Content is { InProgress: true } content)
        {
            attempt.Cancel(AttemptEnd.Abandoned);
            await content.Finished;
        }
    }

    private async Task FailBeforeResponseAsync(Exchange exchange, Attempt attempt, Exception error)
    {
        var route = exchange.Route!;
        if (IsClientGone(exchange, attempt))
        {
            exchange.AttemptEnded(attempt, Words.ClientLeft);
            exchange.ClientLeft();
            return;
        }

        if (exchange.Body?.ClientErrorAnswer() is { } answer)
        {
            exchange.AttemptEnded(attempt, Words.ClientError);
            await exchange.AnswerAsync(answer, RequestOutcome.Rejected);
            return;
        }

        var failure = attempt.End switch
        {
            AttemptEnd.AttemptTimeout => new AttemptFailure(ProxyError.AttemptTimeout, NotReceived: false, StaleConnection: false, error),
            AttemptEnd.TotalTimeout => new AttemptFailure(ProxyError.TotalTimeout, NotReceived: false, StaleConnection: false, error),
            _ => FailureClassifier.Classify(error),
        };
        exchange.AttemptEnded(attempt, failure.Error.Word);
        if (TimeoutKindOf(failure.Error) is { } kind)
        {
            route.Metrics.TimedOut(kind);
        }

        Log.AttemptFailed(logger, route.Id, attempt.Destination.Id, failure.Error.Word, failure.Error.Detail, error);
        await exchange.AnswerAsync(
            failure.Error, failure.Error.StatusCode == StatusCodes.Status504GatewayTimeout ? RequestOutcome.Timeout : RequestOutcome.UpstreamError);
    }

    private async Task FailInResponseAsync(Exchange exchange, Attempt attempt, Exception error)
    {
        var route = exchange.Route!;
        if (IsClientGone(exchange, attempt))
        {
            exchange.AttemptEnded(attempt, Words.ClientLeft);
            exchange.ClientLeft();
        }
        else if (attempt.End == AttemptEnd.IdleTimeout)
        {
            exchange.AttemptEnded(attempt, ProxyError.IdleTimeout.Word);
            route.Metrics.TimedOut(TimeoutKind.Idle);
            Log.BrokeOff(logger, route.Id, attempt.Destination.Id, ProxyError.IdleTimeout.Detail, error);
            await exchange.AnswerAsync(ProxyError.IdleTimeout, RequestOutcome.Timeout);
        }
        else
        {
            exchange.AttemptEnded(attempt, ProxyError.ConnectionTerminated.Word);
            Log.BrokeOff(logger, route.Id, attempt.Destination.Id, ProxyError.ConnectionTerminated.Detail, error);
            await exchange.AnswerAsync(ProxyError.ConnectionTerminated, RequestOutcome.UpstreamError);
        }
    }

    // A body that ends with the connection's reset is a client that left, whether or not the server has noticed it yet.
    private static bool IsClientGone(Exchange exchange, Attempt attempt) =>
        attempt.End == AttemptEnd.ClientLeft
        || exchange.Context.RequestAborted.IsCancellationRequested
        || (exchange.Body is { ClientError: not null } body && body.ClientErrorAnswer() is null);

    private static TimeoutKind? TimeoutKindOf(ProxyError error) =>
        ReferenceEquals(error, ProxyError.ConnectionTimeout) ? TimeoutKind.Connect
        : ReferenceEquals(error, ProxyError.AttemptTimeout) ? TimeoutKind.Attempt
        : ReferenceEquals(error, ProxyError.TotalTimeout) ? TimeoutKind.Total
        : null;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Route {Route}, destination {Destination}: {Reason}: {Detail}")]
        public static partial void AttemptFailed(ILogger logger, string route, string destination, string reason, string detail, Exception error);

        [LoggerMessage(LogLevel.Debug, "Route {Route}, destination {Destination}: the response broke off: {Detail}")]
        public static partial void BrokeOff(ILogger logger, string route, string destination, string detail, Exception error);
    }
}
