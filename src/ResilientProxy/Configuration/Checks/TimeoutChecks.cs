using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What a route's timers mean together.</summary>
internal static class TimeoutChecks
{
    /// <summary>Checks one route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(CheckedRoute route, Findings findings)
    {
        var timeouts = route.Options.Timeouts;
        var isTimed = timeouts.Attempt != Timeout.InfiniteTimeSpan;
        if (timeouts.Total != Timeout.InfiniteTimeSpan && timeouts.Attempt > timeouts.Total)
        {
            findings.Warning(route.At("Timeouts", "Attempt"),
                $"an attempt may take {Duration.Format(timeouts.Attempt)}, but the whole request only {Duration.Format(timeouts.Total)}: the attempt timer never fires; lower Attempt or raise Total");
        }

        if (timeouts.Idle == Timeout.InfiniteTimeSpan)
        {
            findings.Warning(route.At("Timeouts", "Idle"),
                "with Idle off a silent connection is held for ever; give it a long time instead, such as \"1h\"");
        }
        else if (isTimed && timeouts.Idle < timeouts.Attempt)
        {
            findings.Warning(route.At("Timeouts", "Idle"),
                $"an upstream has {Duration.Format(timeouts.Attempt)} to begin its answer, but is cut off after {Duration.Format(timeouts.Idle)} of silence within it; raise Idle to {Duration.Format(timeouts.Attempt)} or more");
        }

        // Under "none" that is what was asked for.
        if (timeouts.Total == Timeout.InfiniteTimeSpan && !isTimed && !route.Options.IsPlain)
        {
            findings.Warning(route.At("Timeouts", "Total"),
                "with Total and Attempt both off an upstream that never answers holds its callers for ever; set one of them");
        }
    }
}
