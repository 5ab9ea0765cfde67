using System.ComponentModel.DataAnnotations;

namespace ResilientProxy.Configuration;

/// <summary>Our keys of a destination: they stand beside YARP's own, in the same object.</summary>
internal sealed record DestinationOptions
{
    /// <summary>Its share of the cluster's traffic beside the other destinations' weights, 0 to 1000; with 0 it gets traffic only where no other may.</summary>
    [Range(0, 1000)]
    public int Weight { get; init; } = 1;
}
