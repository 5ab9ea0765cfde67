using ResilientProxy.Forwarding;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Admin;

/// <summary>What a route or a destination had counted at one moment.</summary>
/// <param name="Good">Those that ended well.</param>
/// <param name="Bad">Those that failed; what says nothing, such as a client that left, is in neither.</param>
/// <param name="Durations">How long all of them took.</param>
internal sealed record LoadReading(long Good, long Bad, HistogramSnapshot Durations)
{
    /// <summary>A route's requests.</summary>
    /// <param name="route">Its series.</param>
    public static LoadReading Of(RouteMetrics route) => new(
        route.Ended(RequestOutcome.Success) + route.Ended(RequestOutcome.Fallback),
        route.Ended(RequestOutcome.UpstreamError) + route.Ended(RequestOutcome.Rejected) + route.Ended(RequestOutcome.Timeout),
        route.Durations.Snapshot());

    /// <summary>A destination's attempts.</summary>
    /// <param name="destination">Its series.</param>
    public static LoadReading Of(DestinationMetrics destination)
    {
        var outcomes = destination.AttemptsByOutcome;
        return new(
            outcomes.GetValueOrDefault(Words.Success),
            outcomes.Where(outcome => Words.IsFailure(outcome.Key)).Sum(outcome => outcome.Value),
            destination.Durations.Snapshot());
    }
}
