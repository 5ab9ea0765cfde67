namespace ResilientProxy.Health;

/// <summary>What is known of a destination by its active checks.</summary>
internal enum HealthState
{
    /// <summary>No check has succeeded yet, nor have enough failed.</summary>
    Unknown,

    /// <summary>It answers as it should.</summary>
    Healthy,

    /// <summary>It does not.</summary>
    Unhealthy,
}
