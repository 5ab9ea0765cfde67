using ResilientProxy.Health;
using ResilientProxy.LoadBalancing;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>One destination of a cluster: its address, and the state that outlives reloads which do not change it.</summary>
internal sealed class ProxyDestination
{
    /// <summary>Creates a destination.</summary>
    /// <param name="id">Its name in the cluster.</param>
    /// <param name="address">Its URL prefix.</param>
    /// <param name="metrics">Its own series.</param>
    /// <param name="time">The clock of its load.</param>
    public ProxyDestination(string id, string address, DestinationMetrics metrics, TimeProvider time)
    {
        Id = id;
        Address = address;
        IsHttps = address.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        Metrics = metrics;
        Load = new DestinationLoad(time);
    }

    /// <summary>Its name in the cluster.</summary>
    public string Id { get; }

    /// <summary>Its URL prefix: scheme, host, port and base path.</summary>
    public string Address { get; }

    /// <summary>Whether connections to it are encrypted.</summary>
    public bool IsHttps { get; }

    /// <summary>Its own series.</summary>
    public DestinationMetrics Metrics { get; }

    /// <summary>What the balancing policy looks at.</summary>
    public DestinationLoad Load { get; }

    /// <summary>What active checks know of it.</summary>
    public DestinationHealth Health { get; } = new();

    /// <summary>An attempt begins.</summary>
    public void Begin()
    {
        Load.Begin();
        Metrics.AttemptStarted();
    }

    /// <summary>An attempt has ended: its response is complete, or it failed.</summary>
    public void End() => Load.End();
}
