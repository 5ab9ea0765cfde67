using System.Globalization;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Whether a route's hedging can ever hedge.</summary>
internal static class HedgingChecks
{
    /// <summary>Checks one route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(CheckedRoute route, Findings findings)
    {
        if (route.Options.Hedging is not { } hedging)
        {
            return;
        }

        var node = route.At("Hedging");
        if (route.Destinations == 1)
        {
            findings.Warning(node, $"a hedge goes to another destination, and the cluster \"{route.Yarp.ClusterId}\" has only one; add one, or write \"Hedging\": \"off\"");
        }
        else if (route.Destinations > 1 && hedging.MaxHedgedAttempts >= route.Destinations)
        {
            findings.Warning(route.At("Hedging", "MaxHedgedAttempts"), string.Create(CultureInfo.InvariantCulture,
                $"each hedge goes to another destination, and beside the first attempt the cluster has only {route.Destinations - 1}; lower MaxHedgedAttempts"));
        }

        if (hedging.MaxExtraLoad <= 0)
        {
            findings.Warning(route.At("Hedging", "MaxExtraLoad"), "with MaxExtraLoad 0 nothing is ever hedged; raise it, or write \"Hedging\": \"off\"");
        }

        if (hedging.Delay.Percentile == 0)
        {
            CheckDelay(route, hedging.Delay.Fixed, findings);
        }
    }

    private static void CheckDelay(CheckedRoute route, TimeSpan delay, Findings findings)
    {
        var timeouts = route.Options.Timeouts;
        foreach (var (name, limit) in ((string, TimeSpan)[])[("Attempt", timeouts.Attempt), ("Total", timeouts.Total)])
        {
            if (limit != Timeout.InfiniteTimeSpan && delay >= limit)
            {
                findings.Warning(route.At("Hedging", "Delay"),
                    $"nothing is ever hedged: an attempt is silent for {Duration.Format(delay)} only when Timeouts.{name}, {Duration.Format(limit)}, has ended it; lower Delay");
                return;
            }
        }
    }
}
