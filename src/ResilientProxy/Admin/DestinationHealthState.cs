using ResilientProxy.Forwarding;
using ResilientProxy.Health;

namespace ResilientProxy.Admin;

/// <summary>A destination's health as the state shows it, by its active checks; the breaker is told apart from it.</summary>
/// <param name="State"><c>healthy</c>, <c>unhealthy</c>, or <c>unknown</c> before the first check.</param>
/// <param name="GetsTraffic">Whether it may get traffic by that: in a panic an unhealthy one does, an unknown one only while no healthy one exists.</param>
/// <param name="LastCheck">When it was checked last; null where it was not, or has no checks.</param>
/// <param name="Reason">Why the last check failed; null where it went well.</param>
internal sealed record DestinationHealthState(string State, bool GetsTraffic, DateTimeOffset? LastCheck, string? Reason)
{
    /// <summary>A destination's health at this moment.</summary>
    /// <param name="destination">The destination.</param>
    public static DestinationHealthState Of(ProxyDestination destination)
    {
        var health = destination.Health;
        var state = health.State switch
        {
            HealthState.Healthy => "healthy",
            HealthState.Unhealthy => "unhealthy",
            _ => "unknown",
        };
        return new(state, health.IsEligible, health.LastCheck, health.Reason);
    }
}
