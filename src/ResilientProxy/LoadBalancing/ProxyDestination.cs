using ResilientProxy.Telemetry;

namespace ResilientProxy.LoadBalancing;

/// <summary>One destination of a cluster: an immutable address and the state that outlives reloads which do not change it.</summary>
internal sealed class ProxyDestination
{
    private readonly DestinationStatus _status;

    /// <summary>Creates a destination.</summary>
    /// <param name="id">Its name in the cluster.</param>
    /// <param name="address">Its URL prefix.</param>
    /// <param name="status">What is known of it; kept from one config to the next.</param>
    public ProxyDestination(string id, string address, DestinationStatus status)
    {
        Id = id;
        Address = address;
        IsHttps = address.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        _status = status;
    }

    /// <summary>Its name in the cluster.</summary>
    public string Id { get; }

    /// <summary>Its URL prefix: scheme, host, port and base path.</summary>
    public string Address { get; }

    /// <summary>Whether connections to it are encrypted.</summary>
    public bool IsHttps { get; }

    /// <summary>What is known of it.</summary>
    public DestinationStatus Status => _status;
}

/// <summary>What the proxy knows of a destination; shared by the configs that name it with the same address.</summary>
/// <param name="metrics">The destination's own series.</param>
internal sealed class DestinationStatus(DestinationMetrics metrics)
{
    private int _inFlight;

    /// <summary>The destination's own series.</summary>
    public DestinationMetrics Metrics => metrics;

    /// <summary>Attempts on the way at this moment, until their responses have ended.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>An attempt begins.</summary>
    public void Begin()
    {
        Interlocked.Increment(ref _inFlight);
        metrics.AttemptStarted();
    }

    /// <summary>An attempt has ended: its response is complete, or it failed.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);
}
