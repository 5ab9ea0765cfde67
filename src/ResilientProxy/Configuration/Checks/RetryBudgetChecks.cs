using System.Globalization;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Whether a route's budget bounds its retries, and leaves some.</summary>
internal static class RetryBudgetChecks
{
    /// <summary>Checks one route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(CheckedRoute route, Findings findings)
    {
        if (route.Options.Retry is not { MaxRetryAttempts: > 0 } retry)
        {
            return;
        }

        if (retry.Budget.Ratio > 1)
        {
            findings.Warning(route.At("Retry", "Budget", "Ratio"), string.Create(CultureInfo.InvariantCulture,
                $"in an outage the upstream gets {1 + Math.Min(retry.Budget.Ratio, retry.MaxRetryAttempts)} times its load, and may never come back under it; a Ratio of 0.2 is enough for what retries can repair"));
        }
        else if (retry.Budget is { Ratio: 0, MinRetriesPerSecond: 0 })
        {
            findings.Warning(route.At("Retry", "Budget"), "the budget allows no retry and no hedge at all; raise it, or write \"Retry\": \"off\"");
        }
    }
}
