using System.ComponentModel.DataAnnotations;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Health;

/// <summary>What the results of a cluster's active checks mean; whether, how often and where to it is asked stands in YARP's <c>HealthCheck.Active</c>.</summary>
internal sealed record HealthCheckOptions
{
    /// <summary>How a destination is asked.</summary>
    public HealthCheckType Type { get; init; }

    /// <summary>Successes in a row after which an unhealthy destination counts as healthy; 1 to 100. A new one needs a single success.</summary>
    [Range(1, 100)]
    public int HealthyThreshold { get; init; } = 2;

    /// <summary>Failures in a row after which a destination counts as unhealthy; 1 to 100.</summary>
    [Range(1, 100)]
    public int UnhealthyThreshold { get; init; } = 3;

    /// <summary>The statuses of a healthy answer, for <c>Http</c>: single ones or ranges.</summary>
    public IReadOnlyList<StatusRange> ExpectedStatuses { get; init; } = [new(200, 299)];

    /// <summary>What the body of a healthy answer has within its first 64 KiB, for <c>Http</c>; null where the body does not matter.</summary>
    public string? BodyContains { get; init; }

    /// <summary>The service asked about, for <c>Grpc</c>; empty for the server as a whole.</summary>
    public string Service { get; init; } = "";

    /// <summary>Time between two checks of a destination that is not healthy, 10 ms to 24 h; a third of the interval, and at least 500 ms, where nothing is said.</summary>
    [DurationRange("10ms", "24h")]
    public TimeSpan? UnhealthyInterval { get; init; }

    /// <summary>How long a recovered destination takes from a tenth of its share to the whole. 1 ms to 1 h, or "off".</summary>
    [DurationRange("1ms", "1h", AllowOff = true)]
    public TimeSpan SlowStart { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Share of destinations not known to be unhealthy below which all of them get traffic, 0 to 1; with 0 unhealthy ones never do.</summary>
    [Range(0.0, 1.0)]
    public double PanicThreshold { get; init; } = 0.5;
}
