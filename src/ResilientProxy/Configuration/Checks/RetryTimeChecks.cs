using System.Globalization;
using ResilientProxy.Retry;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Whether a route's retries have the time they need.</summary>
internal static class RetryTimeChecks
{
    /// <summary>Checks one route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(CheckedRoute route, Findings findings)
    {
        if (route.Options.Retry is not { MaxRetryAttempts: > 0, On.Count: > 0 } retry)
        {
            return;
        }

        if (retry.Delay > retry.MaxDelay)
        {
            findings.Warning(route.At("Retry", route.Wrote("Retry", "MaxDelay") ? "MaxDelay" : "Delay"),
                $"Delay is {Duration.Format(retry.Delay)}, but no wait is longer than MaxDelay, which is {Duration.Format(retry.MaxDelay)}; raise MaxDelay or lower Delay");
        }

        if (route.Options.Timeouts.Total == Timeout.InfiniteTimeSpan)
        {
            CheckRetryAfter(route, retry, findings);
        }
        else
        {
            CheckWaits(route, retry, findings);
            CheckAttempts(route, retry, findings);
        }
    }

    private static void CheckRetryAfter(CheckedRoute route, RetryOptions retry, Findings findings)
    {
        if (retry.On.FirstOrDefault(condition => condition.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable) is { Text: { } status })
        {
            findings.Warning(route.At("Timeouts", "Total"),
                $"a {status} with Retry-After is retried after that time, and with Total off nothing bounds it; set Total");
        }
    }

    private static void CheckWaits(CheckedRoute route, RetryOptions retry, Findings findings)
    {
        var total = route.Options.Timeouts.Total;
        var longest = RetryPolicy.LongestBackoff(retry, retry.MaxRetryAttempts);
        if (longest >= total)
        {
            findings.Warning(route.At("Retry", "Delay"),
                $"the wait before the last retry is up to {Duration.Format(longest)}, but the whole request may take only {Duration.Format(total)}; lower Delay and MaxDelay, or raise Total");
        }
    }

    // Attempts that fail at once always fit; it is those that time out that use up the others' time.
    private static void CheckAttempts(CheckedRoute route, RetryOptions retry, Findings findings)
    {
        var (total, attempt) = (route.Options.Timeouts.Total, route.Options.Timeouts.Attempt);
        if (attempt == Timeout.InfiniteTimeSpan || attempt > total || !retry.On.Contains(RetryCondition.AttemptTimeout))
        {
            return;
        }

        var fitting = Enumerable.Range(1, retry.MaxRetryAttempts).TakeWhile(count => BeginsAfter(retry, attempt, count) < total).Count();
        if (fitting < retry.MaxRetryAttempts && route.Wrote("Retry", "MaxRetryAttempts"))
        {
            findings.Warning(route.At("Retry", "MaxRetryAttempts"), string.Create(CultureInfo.InvariantCulture,
                $"where attempts take their {Duration.Format(attempt)}, {(fitting == 0 ? "no retry" : $"only {fitting} of the {retry.MaxRetryAttempts} retries")} can begin within Total, which is {Duration.Format(total)}; lower Attempt or MaxRetryAttempts, or raise Total"));
        }
        else if (attempt < total && attempt + attempt > total)
        {
            // Equal timers say that there is nothing to retry after a timeout. These say that there is, and leave it no time.
            findings.Warning(route.At("Timeouts", "Attempt"),
                $"an attempt that times out after {Duration.Format(attempt)} leaves its retry {Duration.Format(total - attempt)} of Total, less than an attempt may take; lower Attempt to {Duration.Format(total / 2)} or raise Total to {Duration.Format(attempt * 2)}");
        }
    }

    // The jitter may make every wait nothing, and the first one is nothing where there is another destination.
    private static TimeSpan BeginsAfter(RetryOptions retry, TimeSpan attempt, int count)
    {
        var begins = attempt * count;
        for (var wait = 2; wait <= count && !retry.UseJitter; wait++)
        {
            begins += RetryPolicy.LongestBackoff(retry, wait);
        }

        return begins;
    }
}
