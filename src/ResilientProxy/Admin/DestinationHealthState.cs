using ResilientProxy.Forwarding;

namespace ResilientProxy.Admin;

/// <summary>A destination's health as the state shows it; the breaker is told apart from it.</summary>
/// <param name="State"><c>healthy</c> or <c>unhealthy</c>.</param>
internal sealed record DestinationHealthState(string State)
{
    /// <summary>A destination's health at this moment.</summary>
    /// <param name="destination">The destination.</param>
    public static DestinationHealthState Of(ProxyDestination destination) => new(destination.Health.IsEligible ? "healthy" : "unhealthy");
}
