using System.Runtime.CompilerServices;
using ResilientProxy.Admission;
using ResilientProxy.Bulkhead;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Takes one request to an upstream and its answer back: the order of everything that happens to it, read top to bottom.</summary>
internal sealed class ExchangeForwarder(
    TimerSweep sweep, AttemptSender sender, HedgedSender hedgedSender, ResponseSender responses, UpgradeForwarder upgrades, ReplayMemory replayMemory, OverloadState overload)
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

        // When the answer must have begun: queueing, backoff and every attempt included.
        exchange.Deadline = new ExchangeDeadline(exchange, sweep);
        exchange.Body = RequestBody.Of(context, route.Retry?.Options.MaxReplayBytes ?? 0, replayMemory);
        LimitBody(context, route);

        // 1. A place on the route, held until the last byte of the answer: one route's requests never take another's.
        if (await EnterAsync(exchange, route.Bulkhead) is { } refused)
        {
            await AnswerAsync(exchange, refused);
            return;
        }

        try
        {
            // 2. The cluster, and the one behind it where the route has a fallback.
            var target = route.Primary;
            Unanswered? fellBackFor = null;
            Unanswered? unanswered;
            while (true)
            {
                unanswered = await EnterAsync(exchange, target.Bulkhead);
                if (unanswered is null)
                {
                    try
                    {
                        unanswered = await AttemptAsync(exchange, feature, target);
                    }
                    finally
                    {
                        target.Bulkhead?.Leave(exchange.Latency, exchange.Verdict);
                    }
                }

                if (unanswered is null || fellBackFor is not null
                    || route.Fallback is not { Backup: { } backup } fallback || !fallback.Covers(exchange, unanswered))
                {
                    break;
                }

                context.Response.Headers[HopStatus.ProxyStatus] = FallbackPolicy.StatusOf(unanswered, backup.Cluster.Id);
                exchange.Stopped = null; // the backup has attempts of its own
                (fellBackFor, target) = (unanswered, backup);
            }

            if (fellBackFor is not null && unanswered is null && exchange.Outcome == RequestOutcome.Success)
            {
                exchange.Failed(fellBackFor.Error, RequestOutcome.Fallback);
                FallbackPolicy.Count(exchange);
            }

            // 3. What is left without an answer gets one of the proxy's own.
            if (unanswered is not null)
            {
                await AnswerAsync(exchange, unanswered);
            }
        }
        finally
        {
            route.Bulkhead?.Leave(exchange.Latency, exchange.Verdict);
        }
    }

    // Attempts, one after the other, until the client has its answer (null) or no further one may follow.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Unanswered?> AttemptAsync(Exchange exchange, IReverseProxyFeature feature, RouteTarget target)
    {
        var route = exchange.Route!;
        var context = exchange.Context;
        var candidates = new Candidates(target, ReferenceEquals(target, route.Primary) ? feature : null);
        var attemptsBefore = exchange.Attempts;
        var (retries, staleConnections, resets) = (0, 0, 0);
        AttemptFailure? last = null;
        ProxyDestination? again = null;
        while (true)
        {
            if (exchange.Deadline!.Left <= TimeSpan.Zero)
            {
                route.Metrics.TimedOut(TimeoutKind.Total);
                return Unanswered.OutOfTime(notReceived: exchange.Attempts == attemptsBefore || last is { NotReceived: true });
            }

            // 1. Where it goes: a destination that has not failed this request yet, where there is one.
            if (again is null || !candidates.TryAgain(again, out var choice))
            {
                choice = candidates.Choose(mayProbe: route.Retry?.MayRepeat(context.Request.Method) == true);
            }

            again = null;
            if (choice.Destination is null)
            {
                if (ReferenceEquals(choice.Refusal, ProxyError.CircuitOpen))
                {
                    exchange.Span.CircuitOpen(destination: null);
                }

                return last is null ? Unanswered.Refused(choice.Refusal!, choice.RetryAfter) : Unanswered.Of(last);
            }

            var attempt = Begin(choice, isHedge: false);
            try
            {
                // 2. The attempt, until its response's headers. An upgraded connection is YARP's own work, from the first byte to the last.
                SendResult result;
                if (UpgradeForwarder.IsUpgrade(context))
                {
                    var failed = await upgrades.ForwardAsync(exchange, attempt, feature);
                    result = new(failed, Answered: failed is null);
                }
                else if (route.Hedging is null || !route.MayRepeat(context.Request.Method))
                {
                    if (await AttemptSender.StartAsync(exchange, feature, attempt) is not { } sending)
                    {
                        return null;
                    }

                    await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    result = await sender.JudgeAsync(exchange, attempt, sending);
                }
                else
                {
                    (attempt, result) = await hedgedSender.SendAsync(exchange, feature, attempt, candidates, Begin);
                }

                if (result.Answered)
                {
                    return null;
                }

                var failure = result.Failure;
                if (failure is null)
                {
                    // 3. A response: one to try again for, one that the route has something better for, or the one that goes to the client.
                    var response = attempt.Response!;
                    var verdict = ResponseVerdict.Of(route.Retry, response, sweep.Time);
                    Learn(attempt, verdict);
                    var stays = verdict.RetryWord is null || HopStatus.HasGivenUp(response);
                    if (stays && verdict.RetryWord is not null)
                    {
                        Stop(exchange, RetryDecision.Attempts); // a proxy of ours behind this one has tried as often as it may
                    }

                    if (!stays && !context.RequestAborted.IsCancellationRequested && MayTryAgain(notReceived: false, verdict.RetryAfter, out var pause))
                    {
                        await attempt.StopBodyAsync();
                        exchange.AttemptEnded(attempt, verdict.RetryWord!, verdict.Verdict);
                        attempt.Dispose(); // its connection is of use to others during the wait
                        last = null;
                        if (!await TryAgainAsync(verdict.RetryWord!, pause))
                        {
                            return null;
                        }

                        continue;
                    }

                    if (route.Fallback?.Replaces(exchange, (int)response.StatusCode) == true)
                    {
                        await attempt.StopBodyAsync();
                        exchange.AttemptEnded(attempt, Words.OfStatus((int)response.StatusCode), verdict.Verdict);
                        return Unanswered.Replaced((int)response.StatusCode);
                    }

                    failure = await responses.SendAsync(exchange, feature, attempt, verdict.Verdict);
                    if (failure is null)
                    {
                        if (exchange.Outcome == RequestOutcome.Success && exchange.Attempts - attemptsBefore > 1)
                        {
                            route.Metrics.Rescued(attempt.IsHedge ? Words.ByHedge : Words.ByRetry);
                        }

                        return null;
                    }
                }

                // 4. It failed. A connection that had been idle too long is no failure of the upstream: the same again, at once. A request that
                // resets one destination after the other is itself the likely cause: it blames no second one, and gets no third.
                last = failure;
                resets += ReferenceEquals(failure.Error, ProxyError.ConnectionTerminated) && !failure.NotReceived && !failure.StaleConnection ? 1 : 0;
                exchange.Latency = attempt.Elapsed;
                if (!failure.StaleConnection && attempt.Response is null && !ReferenceEquals(failure.Error, ProxyError.OutOfSockets))
                {
                    attempt.Destination.Load.RecordFailure(exchange.Latency, sweep.Time.GetTimestamp());
                }

                exchange.AttemptEnded(attempt, failure.Error.Word, VerdictOf(failure, exchange, attempt, resets));
                if (failure.StaleConnection && staleConnections < MaxStaleConnections && route.Retry is not null && !context.Response.HasStarted
                    && ProxyRoute.IsIdempotent(context.Request.Method) && exchange.Body is null or { CanReplay: true })
                {
                    staleConnections++;
                    exchange.Attempts--;
                    again = attempt.Destination;
                    continue;
                }

                if (resets == MaxResets && route.Retry is not null)
                {
                    Stop(exchange, RetryDecision.Attempts);
                    return Unanswered.Of(failure);
                }

                if (route.Retry is null || !RetryDecision.IsCondition(route.Retry, failure)
                    || !MayTryAgain(failure.NotReceived, TimeSpan.Zero, out var wait))
                {
                    return Unanswered.Of(failure);
                }

                attempt.Dispose();
                if (!await TryAgainAsync(failure.Error.Word, wait))
                {
                    return null;
                }
            }
            finally
            {
                attempt.Dispose();
            }
        }

        Attempt Begin(Choice choice, bool isHedge)
        {
            feature.ProxiedDestination = candidates.YarpStateOf(choice.Destination!) ?? feature.ProxiedDestination;
            exchange.Attempts++;
            return new Attempt(choice, target.Cluster, sweep, route.Options.Timeouts.Attempt, exchange.Deadline!.Due, context.RequestAborted) { IsHedge = isHedge };
        }

        void Learn(Attempt attempt, ResponseVerdict verdict)
        {
            var elapsed = attempt.Elapsed;
            exchange.Latency = elapsed;
            attempt.Answered(verdict.Verdict);
            if (verdict.Verdict == AttemptVerdict.Failure)
            {
                attempt.Destination.Load.RecordFailure(elapsed, sweep.Time.GetTimestamp());
            }
            else
            {
                attempt.Destination.Load.Record(elapsed, sweep.Time.GetTimestamp());
            }

            if (verdict.Verdict == AttemptVerdict.Success)
            {
                route.Hedging?.Answered(elapsed);
            }

            if (verdict.Backpressure > TimeSpan.Zero)
            {
                attempt.Destination.Backpressure.Ask(verdict.Backpressure);
            }
        }

        bool MayTryAgain(bool notReceived, TimeSpan retryAfter, out TimeSpan wait)
        {
            wait = route.Retry!.Backoff(retries + 1, candidates.HasUntried, retryAfter);
            var forbids = RetryDecision.WhatForbids(exchange, route.Retry, retries, candidates.HasAny, notReceived, wait, exchange.Deadline.Left, overload);
            if (forbids is not null)
            {
                Stop(exchange, forbids);
            }

            return forbids is null;
        }

        // Waits before the next attempt; false where the client left meanwhile.
        async ValueTask<bool> TryAgainAsync(string reason, TimeSpan wait)
        {
            retries++;
            route.Metrics.Retried(reason);
            exchange.Span.BackedOff(reason, wait);
            try
            {
                await (wait > TimeSpan.Zero ? Task.Delay(wait, sweep.Time, context.RequestAborted) : Task.CompletedTask);
                return true;
            }
            catch (OperationCanceledException)
            {
                exchange.ClientLeft();
                return false;
            }
        }
    }

    // A place in a bulkhead, waited for as long as the queue and the deadline allow; null where there is one.
    private async ValueTask<Unanswered?> EnterAsync(Exchange exchange, Bulkhead.Bulkhead? bulkhead)
    {
        if (bulkhead is null || bulkhead.TryEnter())
        {
            return null;
        }

        var began = sweep.Time.GetTimestamp();
        var entry = await bulkhead.EnterAsync(exchange.Deadline!.Left, exchange.Context.RequestAborted);
        exchange.Span.Queued(bulkhead.Scope, sweep.Time.GetElapsedTime(began), entry == BulkheadEntry.Entered);
        if (entry == BulkheadEntry.Entered)
        {
            return null;
        }

        if (entry == BulkheadEntry.Full)
        {
            return Unanswered.Refused(ProxyError.BulkheadFull, TimeSpan.Zero);
        }

        exchange.Route!.Metrics.TimedOut(TimeoutKind.Queue);
        return exchange.Deadline.Left <= TimeSpan.Zero
            ? Unanswered.OutOfTime(notReceived: true)
            : Unanswered.Refused(ProxyError.BulkheadTimeout, TimeSpan.Zero);
    }

    private static Task AnswerAsync(Exchange exchange, Unanswered unanswered) =>
        exchange.Route!.Fallback is { Backup: null } fallback && fallback.Covers(exchange, unanswered)
            ? fallback.AnswerAsync(exchange, unanswered)
            : exchange.AnswerAsync(unanswered.Error ?? ProxyError.TotalTimeout, unanswered.Outcome, unanswered.RetryAfterSeconds);

    private static AttemptVerdict VerdictOf(AttemptFailure failure, Exchange exchange, Attempt attempt, int resets)
    {
        if (failure.StaleConnection || resets > 1 || ReferenceEquals(failure.Error, ProxyError.OutOfSockets))
        {
            return AttemptVerdict.Nothing;
        }

        // A caller's short patience says nothing about the destination; the route's own does, where this attempt had most of it.
        return !ReferenceEquals(failure.Error, ProxyError.TotalTimeout) || attempt.Elapsed >= exchange.Route!.Options.Timeouts.Total / 2
            ? AttemptVerdict.Failure
            : AttemptVerdict.Nothing;
    }

    private static void Stop(Exchange exchange, string why)
    {
        exchange.Stopped = why;
        exchange.Span.RetryStopped(why);
        if (!ReferenceEquals(why, RetryDecision.NoDestination))
        {
            exchange.Route!.Metrics.RetryStopped(why);
        }
    }

    private static void LimitBody(HttpContext context, ProxyRoute route)
    {
        if (route.MaxRequestBodySize is { } limit
            && context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = limit < 0 ? null : limit;
        }
    }
}
