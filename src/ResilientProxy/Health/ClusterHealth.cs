using ResilientProxy.Telemetry;

namespace ResilientProxy.Health;

/// <summary>A destination of a cluster, as its health is watched.</summary>
/// <param name="Destination">Its name.</param>
/// <param name="Health">What is known of it.</param>
/// <param name="Metrics">Its own series.</param>
/// <param name="Probe">Its check; null where none is wanted.</param>
/// <param name="Recovered">Called when it is healthy again, so that its traffic is ramped up; must not block.</param>
internal sealed record HealthTarget(string Destination, DestinationHealth Health, DestinationMetrics Metrics, ProbeSettings? Probe, Action Recovered);

/// <summary>What a config wants of a cluster's health.</summary>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="PanicThreshold">See <see cref="HealthCheckOptions.PanicThreshold"/>.</param>
/// <param name="Targets">All its destinations.</param>
internal sealed record HealthPlan(string Cluster, double PanicThreshold, IReadOnlyList<HealthTarget> Targets);

/// <summary>The health of a cluster as a whole: from it follows which destinations may get traffic.</summary>
/// <remarks>Who may is worked out at each change and left in <see cref="DestinationHealth.IsEligible"/>, so that a request reads one flag.</remarks>
internal sealed class ClusterHealth
{
    private volatile bool _isPanicking;

    /// <summary>Takes a plan over.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="isPanicking">Whether the cluster was in panic before.</param>
    public ClusterHealth(HealthPlan plan, bool isPanicking)
    {
        Plan = plan;
        _isPanicking = isPanicking;
    }

    /// <summary>What the config wants.</summary>
    public HealthPlan Plan { get; }

    /// <summary>Whether so many destinations are unhealthy that all of them get traffic.</summary>
    public bool IsPanicking => _isPanicking;

    /// <summary>Destinations known to be unhealthy.</summary>
    public int Unhealthy => Plan.Targets.Count(static target => target.Health.State == HealthState.Unhealthy);

    /// <summary>"healthy" where every destination is, "unhealthy" where none may be, else "degraded".</summary>
    public string Status =>
        Plan.Targets.All(static target => target.Health.State == HealthState.Healthy) ? "healthy"
        : Unhealthy == Plan.Targets.Count ? "unhealthy"
        : "degraded";

    /// <summary>Works out who may get traffic.</summary>
    /// <returns>Whether a panic began or ended.</returns>
    public bool Recompute()
    {
        var total = Plan.Targets.Count;
        var healthy = 0;
        var unhealthy = 0;
        foreach (var target in Plan.Targets)
        {
            healthy += target.Health.State == HealthState.Healthy ? 1 : 0;
            unhealthy += target.Health.State == HealthState.Unhealthy ? 1 : 0;
        }

        // One that was never seen healthy counts for none of both: a start is no panic, and a new destination waits for its first success.
        var panic = unhealthy > 0 && total - unhealthy < Plan.PanicThreshold * total;
        foreach (var target in Plan.Targets)
        {
            target.Health.SetEligible(target.Health.State switch
            {
                HealthState.Healthy => true,
                HealthState.Unknown => healthy == 0,
                _ => panic,
            });
        }

        var changed = panic != _isPanicking;
        _isPanicking = panic;
        return changed;
    }
}
