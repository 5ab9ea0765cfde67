using System.ComponentModel.DataAnnotations;

namespace ResilientProxy.Hedging;

/// <summary>When a slow attempt gets a second one beside it, at another destination: the first good answer wins.</summary>
internal sealed record HedgingOptions
{
    /// <summary>Attempts beside the first one; 1 to 5.</summary>
    [Range(1, 5)]
    public int MaxHedgedAttempts { get; init; } = 1;

    /// <summary>How long the one before has to be silent: a duration of at least 5 ms, or a live percentile of the route, "p50" to "p99".</summary>
    public HedgingDelay Delay { get; init; } = HedgingDelay.OfPercentile(95);

    /// <summary>Hedges as a share of the route's requests of the last 10 s; 0 to 1. The retry budget bounds them as well.</summary>
    [Range(0.0, 1.0)]
    public double MaxExtraLoad { get; init; } = 0.02;
}
