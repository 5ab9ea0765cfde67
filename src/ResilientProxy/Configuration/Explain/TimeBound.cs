using System.Globalization;
using ResilientProxy.Retry;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Explain;

/// <summary>How long a caller waits at worst until an answer begins.</summary>
/// <param name="Worst">The bound; <see cref="Timeout.InfiniteTimeSpan"/> where there is none.</param>
/// <param name="Arithmetic">How it comes about.</param>
/// <param name="Attempts">What attempts, backoffs and queues alone could take; <see cref="Timeout.InfiniteTimeSpan"/> where nothing bounds them.</param>
/// <param name="AttemptsArithmetic">How that comes about.</param>
internal sealed record TimeBound(TimeSpan Worst, string Arithmetic, TimeSpan Attempts, string AttemptsArithmetic)
{
    /// <summary>Computes the bound of a route.</summary>
    /// <param name="options">The policy in force.</param>
    /// <param name="load">The most attempts.</param>
    /// <param name="queues">The queues on its way, and the longest wait in each.</param>
    public static TimeBound Of(RouteOptions options, LoadBound load, IReadOnlyList<(string Key, TimeSpan Wait)> queues)
    {
        var (attempts, arithmetic) = Sum(options, load, queues);
        var total = options.Timeouts.Total;
        return total == Timeout.InfiniteTimeSpan ? new(attempts, arithmetic, attempts, arithmetic) : new(total, "Timeouts.Total", attempts, arithmetic);
    }

    private static (TimeSpan, string) Sum(RouteOptions options, LoadBound load, IReadOnlyList<(string Key, TimeSpan Wait)> queues)
    {
        var attempt = options.Timeouts.Attempt;
        if (attempt == Timeout.InfiniteTimeSpan)
        {
            return (attempt, "no bound: Timeouts.Attempt is off");
        }

        var rounds = (1 + load.Retries) * (load.BackupAttempts > 0 ? 2 : 1);
        var sum = attempt * rounds;
        var words = new List<string> { string.Create(CultureInfo.InvariantCulture, $"{rounds} {(rounds == 1 ? "attempt" : "attempts")} × {Duration.Format(attempt)} (Timeouts.Attempt)") };

        // Beside another one, but each with a timer of its own: it ends the delay later. A percentile is below the attempt timer, no more is known.
        var hedges = load.Hedges + load.BackupHedges;
        if (hedges > 0)
        {
            var delay = options.Hedging!.Delay.Percentile > 0 ? attempt : options.Hedging.Delay.Fixed;
            sum += delay * hedges;
            words.Add(string.Create(CultureInfo.InvariantCulture, $"{hedges} {(hedges == 1 ? "hedge" : "hedges")} begun up to {Duration.Format(delay)} later"));
        }

        var backoff = TimeSpan.Zero;
        for (var retry = 1; retry <= load.Retries; retry++)
        {
            backoff += RetryPolicy.LongestBackoff(options.Retry!, retry);
        }

        backoff *= load.BackupAttempts > 0 ? 2 : 1;
        if (backoff > TimeSpan.Zero)
        {
            sum += backoff;
            words.Add($"backoffs {Duration.Format(backoff)}");
        }

        foreach (var (key, wait) in queues)
        {
            sum += wait;
            words.Add($"queue {Duration.Format(wait)} ({key})");
        }

        var asked = load.Retries > 0 && options.Retry!.On.Any(condition => condition.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            ? "; a Retry-After of an upstream comes on top, and only Timeouts.Total bounds it"
            : "";
        return (sum, string.Join(" + ", words) + asked);
    }
}
