using System.Globalization;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Takes one request to an upstream and its answer back: the order of everything that happens to it, read top to bottom.</summary>
internal sealed partial class ExchangeForwarder(
    TimerSweep sweep, ResponseCopy responseCopy, UpgradeForwarder upgrades, ReplayMemory replayMemory, ILogger<ExchangeForwarder> logger)
{
    private const int MaxStaleConnections = 3;
    private const int MaxResets = 2;

    /// <summary>Forwards the request of a route that matched.</summary>
    /// <param name="context">The request; YARP's affinity has narrowed the destinations where it applies.</param>
    public async Task ForwardAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        var route = exchange.Route!;
        var feature = context.GetReverseProxyFeature();
        var candidates = new Candidates(route.Cluster, feature);

        // When the answer must have begun: queueing, backoff and every attempt included.
        var deadline = exchange.Deadline = new ExchangeDeadline(exchange, sweep);
        exchange.Body = RequestBody.Of(context, route.Retry?.Options.MaxReplayBytes ?? 0, replayMemory);
        LimitBody(context, route);

        var staleConnections = 0;
        var resets = 0;
        ProxyDestination? again = null;
        while (true)
        {
            // 1. Where it goes: a destination that has not failed this request yet, where there is one.
            if ((again ?? candidates.Choose()) is not { } destination)
            {
                await exchange.AnswerAsync(ProxyError.NoDestination, RequestOutcome.Rejected, retryAfterSeconds: 1);
                return;
            }

            again = null;
            candidates.Tried(destination);
            feature.ProxiedDestination = candidates.YarpStateOf(destination);
            exchange.Attempts++;
            using var attempt = new Attempt(destination, sweep, route.Options.Timeouts.Attempt, deadline.Due, context.RequestAborted);

            // 2. An upgraded connection is YARP's own work: bytes in both directions, no message to judge.
            if (UpgradeForwarder.IsUpgrade(context))
            {
                await upgrades.ForwardAsync(exchange, attempt, feature);
                return;
            }

            // 3. The attempt, until its response's headers; then the response as it comes, unless it is one to try again for.
            var (failure, reason, retryAfter) = await SendAsync(exchange, feature, attempt);
            if (failure is null)
            {
                if (attempt.Response is null)
                {
                    return; // answered: by a transform, or because the client was at fault or gone
                }

                var status = RetryableStatus(route, attempt.Response);
                if (status is not null && HopStatus.HasGivenUp(attempt.Response))
                {
                    status = null; // a proxy of ours behind this one has tried as often as it may
                    exchange.Stopped = RetryDecision.Attempts;
                    route.Metrics.RetryStopped(RetryDecision.Attempts);
                }

                if (status is null || exchange.Context.RequestAborted.IsCancellationRequested
                    || !MayTryAgain(exchange, candidates, notReceived: false, retryAfter, out var pause))
                {
                    failure = await CopyAsync(exchange, feature, attempt);
                    if (failure is null)
                    {
                        return;
                    }

                    reason = failure.Error.Word;
                }
                else
                {
                    await StopBodyAsync(attempt);
                    exchange.AttemptEnded(attempt, status);
                    attempt.Dispose(); // its connection is of use to others during the wait
                    route.Metrics.Retried(status);
                    if (!await PauseAsync(exchange, pause))
                    {
                        return;
                    }

                    continue;
                }
            }

            // 4. It failed. A connection that had been idle too long is no failure of the upstream: the same again, at once.
            exchange.AttemptEnded(attempt, reason);
            if (failure.StaleConnection && staleConnections < MaxStaleConnections && route.Retry is not null
                && !context.Response.HasStarted && IsIdempotent(context.Request.Method) && exchange.Body is null or { CanReplay: true })
            {
                staleConnections++;
                exchange.Attempts--;
                again = destination;
                continue;
            }

            // 5. A request that resets one destination after the other is itself the likely cause: it gets no third one.
            resets += ReferenceEquals(failure.Error, ProxyError.ConnectionTerminated) && !failure.NotReceived ? 1 : 0;
            if (resets == MaxResets && route.Retry is not null && exchange.Stopped is null)
            {
                exchange.Stopped = RetryDecision.Attempts;
                route.Metrics.RetryStopped(RetryDecision.Attempts);
                await AnswerAsync(exchange, failure);
                return;
            }

            if (route.Retry is null || !RetryDecision.IsCondition(route.Retry, failure)
                || !MayTryAgain(exchange, candidates, failure.NotReceived, TimeSpan.Zero, out var wait))
            {
                await AnswerAsync(exchange, failure);
                return;
            }

            attempt.Dispose();
            route.Metrics.Retried(reason);
            if (!await PauseAsync(exchange, wait))
            {
                return;
            }
        }
    }

    // The word for a response that is tried again for; null for one that goes to the client.
    private static string? RetryableStatus(ProxyRoute route, HttpResponseMessage response)
    {
        if (route.Retry is not { } retry)
        {
            return null;
        }

        var status = (int)response.StatusCode;
        if (retry.IsCondition(status))
        {
            return Words.OfStatus(status);
        }

        // A gRPC answer of headers only: its status is a header there, and a trailer of every other answer.
        return retry.LooksAtGrpc
            && response.Headers.NonValidated.TryGetValues("grpc-status", out var values)
            && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var grpc)
            && retry.IsGrpcCondition(grpc)
            ? Words.OfGrpc(grpc)
            : null;
    }

    private static bool MayTryAgain(
        Exchange exchange, Candidates candidates, bool notReceived, TimeSpan retryAfter, out TimeSpan wait)
    {
        var policy = exchange.Route!.Retry!;
        wait = policy.Backoff(exchange.Attempts, candidates.HasUntried, retryAfter);
        exchange.Stopped = RetryDecision.WhatForbids(exchange, policy, notReceived, wait, exchange.Deadline!.Left);
        if (exchange.Stopped is { } stopped)
        {
            exchange.Route.Metrics.RetryStopped(stopped);
        }

        return exchange.Stopped is null;
    }

    // Waits before the next attempt; false where the client left meanwhile.
    private async ValueTask<bool> PauseAsync(Exchange exchange, TimeSpan wait)
    {
        if (wait > TimeSpan.Zero)
        {
            try
            {
                await Task.Delay(wait, sweep.Time, exchange.Context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                exchange.ClientLeft();
                return false;
            }
        }

        return true;
    }

    // Until the response's headers: a failure, or a response in the attempt, or neither where the client has its answer already.
    private async ValueTask<(AttemptFailure? Failure, string Reason, TimeSpan RetryAfter)> SendAsync(
        Exchange exchange, IReverseProxyFeature feature, Attempt attempt)
    {
        try
        {
            if (!await RequestCopy.BuildAsync(exchange, feature, attempt))
            {
                exchange.AttemptEnded(attempt, Words.Success); // a transform answered
                return (null, "", TimeSpan.Zero);
            }

            attempt.Response = await exchange.Route!.Cluster.Client.SendAsync(attempt.Request!, attempt.Token);
        }
        catch (Exception error)
        {
            await StopBodyAsync(attempt);
            if (await ClientIsAtFaultAsync(exchange, attempt))
            {
                return (null, "", TimeSpan.Zero);
            }

            Learn(attempt, failed: true);
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
            return (failure, failure.Error.Word, TimeSpan.Zero);
        }

        Learn(attempt, failed: (int)attempt.Response.StatusCode >= 500);
        if (attempt.Response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
        {
            await StopBodyAsync(attempt); // nobody asked for an upgrade
            return (new AttemptFailure(ProxyError.Protocol, NotReceived: false, StaleConnection: false, null), ProxyError.Protocol.Word, TimeSpan.Zero);
        }

        return (null, "", RetryAfter.Of(attempt.Response, sweep.Time));
    }

    // What the balancing policy goes by from now on.
    private void Learn(Attempt attempt, bool failed)
    {
        if (failed)
        {
            attempt.Destination.Load.RecordFailure(attempt.Elapsed, sweep.Time.GetTimestamp());
        }
        else
        {
            attempt.Destination.Load.Record(attempt.Elapsed, sweep.Time.GetTimestamp());
        }
    }

    // The response, as it comes: a failure where the upstream broke it off, null where the client has its answer or its end.
    private async ValueTask<AttemptFailure?> CopyAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt)
    {
        try
        {
            await responseCopy.CopyAsync(exchange, attempt, feature.Route.Transformer);
            if (attempt.Content?.InProgress == true)
            {
                // The upstream answered without waiting for the whole request, as it may. Its answer has to reach the client now: nobody might
                // ever read the rest of the request.
                await exchange.Context.Response.CompleteAsync();
            }

            var status = (int)attempt.Response!.StatusCode;
            exchange.AttemptEnded(attempt, status >= 500 ? Words.OfStatus(status) : Words.Success);
            exchange.Outcome = status >= 500 ? RequestOutcome.UpstreamError : RequestOutcome.Success;
            if (exchange.Attempts > 1 && status < 500)
            {
                exchange.Route!.Metrics.Rescued(Words.ByRetry);
            }

            return null;
        }
        catch (Exception error)
        {
            await StopBodyAsync(attempt);
            if (await ClientIsAtFaultAsync(exchange, attempt))
            {
                return null;
            }

            if (!exchange.Context.Response.HasStarted)
            {
                exchange.Context.Response.Clear(); // the head of an answer that never went out
            }

            var failure = new AttemptFailure(
                attempt.End == AttemptEnd.IdleTimeout ? ProxyError.IdleTimeout : ProxyError.ConnectionTerminated, NotReceived: false, StaleConnection: false, error);
            if (attempt.End == AttemptEnd.IdleTimeout)
            {
                exchange.Route!.Metrics.TimedOut(TimeoutKind.Idle);
            }

            Log.BrokeOff(logger, exchange.Route!.Id, attempt.Destination.Id, failure.Error.Detail, error);
            return failure;
        }
        finally
        {
            await StopBodyAsync(attempt);
        }
    }

    private static Task AnswerAsync(Exchange exchange, AttemptFailure failure) => exchange.AnswerAsync(
        failure.Error,
        failure.Error.StatusCode == StatusCodes.Status504GatewayTimeout ? RequestOutcome.Timeout : RequestOutcome.UpstreamError);

    // The client left, or sent something that is no message: no attempt is to blame, and none follows.
    private static async ValueTask<bool> ClientIsAtFaultAsync(Exchange exchange, Attempt attempt)
    {
        var answer = exchange.Body?.ClientErrorAnswer();
        var gone = attempt.End == AttemptEnd.ClientLeft || exchange.Context.RequestAborted.IsCancellationRequested
            || (answer is null && exchange.Body?.ClientError is not null); // a body that ends with the connection is a client that left
        if (gone)
        {
            exchange.AttemptEnded(attempt, Words.ClientLeft);
            exchange.ClientLeft();
        }
        else if (answer is not null)
        {
            exchange.AttemptEnded(attempt, Words.ClientError);
            await exchange.AnswerAsync(answer, RequestOutcome.Rejected);
        }

        return gone || answer is not null;
    }

    // RFC 9110 section 9.2.2.
    private static bool IsIdempotent(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method)
        || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method);

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
