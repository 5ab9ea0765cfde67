using ResilientProxy.Admission;
using ResilientProxy.Errors;
using ResilientProxy.Timeouts;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Sends an attempt and, while it is silent for too long, others beside it; the first good answer wins.</summary>
/// <remarks>
/// Only the transport runs side by side: messages are built and results judged one after the other on the request's own flow. Losers are
/// cancelled, disposed of by a task that the exchange waits for before it ends, and say nothing about their destinations.
/// </remarks>
internal sealed class HedgedSender(AttemptSender sender, TimerSweep sweep, OverloadState overload)
{
    /// <summary>Sends the attempt, hedged as the route says.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="feature">YARP's view of it.</param>
    /// <param name="first">The attempt.</param>
    /// <param name="candidates">Where a hedge may go.</param>
    /// <param name="begin">Begins an attempt at a destination.</param>
    /// <returns>The attempt that counts, and what came of it.</returns>
    public async ValueTask<(Attempt Attempt, SendResult Result)> SendAsync(
        Exchange exchange, IReverseProxyFeature feature, Attempt first, Candidates candidates, Func<Choice, bool, Attempt> begin)
    {
        var route = exchange.Route!;
        var policy = route.Hedging!;
        var running = new List<Running>(2);
        var hedges = 0;
        if (await AttemptSender.StartAsync(exchange, feature, first) is not { } firstSending)
        {
            return (first, SendResult.Done);
        }

        running.Add(new(first, firstSending));
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(exchange.Context.RequestAborted);
        try
        {
            return await RaceAsync();
        }
        finally
        {
            await waiting.CancelAsync(); // ends a delay that nobody waits for any more
        }

        async ValueTask<(Attempt Attempt, SendResult Result)> RaceAsync()
        {
            var delay = DelayFor(hedges);
            while (true)
            {
                var index = await FirstOfAsync(running, delay);
                if (index < 0)
                {
                    // Silent for too long: one more beside it, at a destination that has none of this request's attempts.
                    delay = null;
                    if (TryChoose() is { } choice)
                    {
                        var hedge = begin(choice, true);
                        hedges++;
                        exchange.Span.Hedged(hedge.Destination.Id, first.Elapsed);
                        if (await AttemptSender.StartAsync(exchange, feature, hedge) is not { } sending)
                        {
                            Abandon(running);
                            return (hedge, SendResult.Done);
                        }

                        running.Add(new(hedge, sending));
                        delay = DelayFor(hedges);
                    }

                    continue;
                }

                var (attempt, task) = running[index];
                running.RemoveAt(index);
                var result = await sender.JudgeAsync(exchange, attempt, task);
                var isLast = running.Count == 0;
                var isGood = result.Answered || (attempt.Response is { } response && ResponseVerdict.Of(route.Retry, response, sweep.Time).RetryWord is null);
                if (isGood || isLast)
                {
                    Abandon(running);
                    if (attempt.IsHedge)
                    {
                        route.Metrics.Hedged(won: isGood && !result.Answered);
                    }

                    feature.ProxiedDestination = candidates.YarpStateOf(attempt.Destination) ?? feature.ProxiedDestination;
                    return (attempt, result);
                }

                // A bad answer while another attempt is on its way: that one may still be good.
                EndBad(attempt, result);
            }
        }

        Task? DelayFor(int sent) => sent < policy.Options.MaxHedgedAttempts && policy.Delay is { } silence && silence < exchange.Deadline!.Left
            ? Task.Delay(silence, sweep.Time, waiting.Token)
            : null;

        Choice? TryChoose()
        {
            if (exchange.Body is { CanReplayWhole: false } || !candidates.HasUntried || exchange.Context.RequestAborted.IsCancellationRequested
                || overload.StopsRetries || !policy.TryTake() || route.Retry?.Budget.TryTake() == false)
            {
                return null;
            }

            var choice = candidates.Choose(mayProbe: false);
            return choice.Destination is null ? null : choice;
        }

        void Abandon(List<Running> losers)
        {
            foreach (var (attempt, task) in losers)
            {
                if (attempt.IsHedge)
                {
                    route.Metrics.Hedged(won: false);
                }

                // Nothing about failing, but its silence so far is known: a policy that goes by latency learns from it.
                attempt.Destination.Load.Record(attempt.Elapsed, sweep.Time.GetTimestamp());
                exchange.AttemptEnded(attempt, Words.HedgeLost, AttemptVerdict.Nothing);
                attempt.Cancel(AttemptEnd.Abandoned);
                exchange.EndsAfter(DisposeAsync(attempt, task));
            }
        }

        void EndBad(Attempt attempt, SendResult result)
        {
            if (attempt.IsHedge)
            {
                route.Metrics.Hedged(won: false);
            }

            if (result.Failure is { } failure)
            {
                exchange.AttemptEnded(attempt, failure.Error.Word, AttemptVerdict.Failure);
            }
            else
            {
                var verdict = ResponseVerdict.Of(route.Retry, attempt.Response!, sweep.Time);
                exchange.AttemptEnded(attempt, verdict.RetryWord!, verdict.Verdict);
            }

            attempt.Dispose();
        }
    }

    // The index of the first one that is done; -1 where the delay is over before.
    private static async ValueTask<int> FirstOfAsync(List<Running> running, Task? delay)
    {
        var waited = new List<Task>(running.Count + 1);
        foreach (var (_, sending) in running)
        {
            waited.Add(sending);
        }

        if (delay is not null)
        {
            waited.Add(delay);
        }

        var done = await Task.WhenAny(waited);
        return ReferenceEquals(done, delay) ? -1 : waited.IndexOf(done);
    }

    private static async Task DisposeAsync(Attempt attempt, Task<HttpResponseMessage> sending)
    {
        try
        {
            attempt.Response = await sending;
        }
        catch (Exception)
        {
            // It lost and was cancelled: how its transport says so is nobody's concern.
        }
        finally
        {
            await attempt.StopBodyAsync();
            attempt.Dispose();
        }
    }

    private readonly record struct Running(Attempt Attempt, Task<HttpResponseMessage> Sending);
}
