using System.Globalization;

namespace ResilientProxy.Configuration.Explain;

/// <summary>The most that one request, and a route's requests together, can cost an upstream.</summary>
/// <param name="Retries">The most attempts after the first one, one after the other, at one cluster.</param>
/// <param name="Hedges">The most attempts beside others, at the route's own cluster.</param>
/// <param name="BackupAttempts">The most attempts at the cluster that the route falls back to; 0 where there is none.</param>
/// <param name="BackupHedges">How many of those go beside others.</param>
/// <param name="Sustained">Attempts a request when everything fails for a long time: the budgets bound them.</param>
/// <param name="SustainedArithmetic">How <paramref name="Sustained"/> comes about.</param>
/// <remarks>
/// What the platform resends because a reused connection was closed at the same moment is none of the route's attempts: it never reached a handler.
/// </remarks>
internal sealed record LoadBound(int Retries, int Hedges, int BackupAttempts, int BackupHedges, double Sustained, string SustainedArithmetic)
{
    /// <summary>The most attempts of one request, everything included.</summary>
    public int MaxAttempts => 1 + Retries + Hedges + BackupAttempts;

    /// <summary>How <see cref="MaxAttempts"/> comes about.</summary>
    public string Arithmetic => string.Create(CultureInfo.InvariantCulture, $"1 + {Retries} {(Retries == 1 ? "retry" : "retries")}{(Hedges > 0 ? $" + {Hedges} {(Hedges == 1 ? "hedge" : "hedges")}" : "")}")
        + (BackupAttempts > 0 ? string.Create(CultureInfo.InvariantCulture, $" + {BackupAttempts} at the fallback's cluster") : "");

    /// <summary>Computes the bounds of a route.</summary>
    /// <param name="options">The policy in force.</param>
    /// <param name="destinations">How many destinations its cluster has.</param>
    /// <param name="backupDestinations">How many the cluster has that it falls back to; null where there is none.</param>
    public static LoadBound Of(RouteOptions options, int destinations, int? backupDestinations)
    {
        var retries = options.Retry is { On.Count: > 0 } retry ? retry.MaxRetryAttempts : 0;
        var hedges = MostHedges(options, retries, destinations);
        var backupHedges = backupDestinations is { } count ? MostHedges(options, retries, count) : 0;
        var backup = backupDestinations is null ? 0 : 1 + retries + backupHedges;
        var (sustained, arithmetic) = SustainedBound(options, retries, hedges + backupHedges, backup > 0);
        var most = 1 + retries + hedges + backup;
        return sustained <= most
            ? new(retries, hedges, backup, backupHedges, sustained, arithmetic)
            : new(retries, hedges, backup, backupHedges, most, string.Create(CultureInfo.InvariantCulture, $"{arithmetic}, but no more than {most} attempts a request"));
    }

    // A hedge goes to a destination that has none of the request's attempts yet, and so does a retry while there is one.
    private static int MostHedges(RouteOptions options, int retries, int destinations)
    {
        if (options.Hedging is not { MaxExtraLoad: > 0 } hedging || !CanBeSilentLongEnough(options))
        {
            return 0;
        }

        var (untried, hedges) = (destinations, 0);
        for (var round = 0; round <= retries && untried > 0; round++)
        {
            untried--;
            var beside = Math.Min(hedging.MaxHedgedAttempts, untried);
            hedges += beside;
            untried -= beside;
        }

        return hedges;
    }

    // An attempt that has to be silent for longer than it may take is never hedged.
    private static bool CanBeSilentLongEnough(RouteOptions options) =>
        options.Hedging!.Delay is { Percentile: > 0 }
        || ((options.Timeouts.Attempt == Timeout.InfiniteTimeSpan || options.Hedging.Delay.Fixed < options.Timeouts.Attempt)
            && (options.Timeouts.Total == Timeout.InfiniteTimeSpan || options.Hedging.Delay.Fixed < options.Timeouts.Total));

    private static (double Value, string Arithmetic) SustainedBound(RouteOptions options, int retries, int hedges, bool hasBackup)
    {
        var once = hasBackup ? 2 : 1;
        var start = hasBackup ? "1 + 1 at the fallback's cluster" : "1";
        var budget = options.Retry?.Budget;
        string floor;
        if (retries > 0)
        {
            floor = budget!.MinRetriesPerSecond > 0 ? $"; {budget.MinRetriesPerSecond} retries a second are allowed in any case (Budget.MinRetriesPerSecond)" : "";
            return (once + budget.Ratio, string.Create(CultureInfo.InvariantCulture, $"{start} + {budget.Ratio} (Retry.Budget.Ratio){floor}"));
        }

        if (hedges == 0)
        {
            return (once, start);
        }

        var extra = options.Hedging!.MaxExtraLoad;
        floor = "; one hedge in 10 s is allowed in any case";
        return budget is { } shared && shared.Ratio < extra && shared.MinRetriesPerSecond == 0
            ? (once + shared.Ratio, string.Create(CultureInfo.InvariantCulture, $"{start} + {shared.Ratio} (Retry.Budget.Ratio)"))
            : (once + extra, string.Create(CultureInfo.InvariantCulture, $"{start} + {extra} (Hedging.MaxExtraLoad){floor}"));
    }
}
