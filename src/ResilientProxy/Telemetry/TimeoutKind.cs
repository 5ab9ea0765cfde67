namespace ResilientProxy.Telemetry;

/// <summary>Which timer ran out, as the label <c>kind</c> says it.</summary>
internal enum TimeoutKind
{
    /// <summary>TCP or TLS to a destination.</summary>
    Connect,

    /// <summary>One attempt, until its response headers.</summary>
    Attempt,

    /// <summary>The request as a whole, until the response headers.</summary>
    Total,

    /// <summary>Silence in both directions.</summary>
    Idle,

    /// <summary>The wait for a place in a bulkhead.</summary>
    Queue,
}
