using ResilientProxy.CircuitBreaking;
using ResilientProxy.Health;
using ResilientProxy.LoadBalancing;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>One destination of a cluster: its address, and the state that outlives reloads which do not change it.</summary>
internal sealed class ProxyDestination
{
    private readonly TimeProvider _time;
    private long _rejectedFull;

    /// <summary>Creates a destination.</summary>
    /// <param name="id">Its name in the cluster.</param>
    /// <param name="address">Its URL prefix.</param>
    /// <param name="metrics">Its own series.</param>
    /// <param name="time">The clock.</param>
    public ProxyDestination(string id, string address, DestinationMetrics metrics, TimeProvider time)
    {
        _time = time;
        Backpressure = new Backpressure(time);
        Id = id;
        Address = address;
        Plain = PlainDestination.Of(address);
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

    /// <summary>Its address in parts; null where it is encrypted, or no simple one.</summary>
    public PlainDestination? Plain { get; }

    /// <summary>Its own series.</summary>
    public DestinationMetrics Metrics { get; }

    /// <summary>What the balancing policy looks at.</summary>
    public DestinationLoad Load { get; }

    /// <summary>What active checks know of it.</summary>
    public DestinationHealth Health { get; } = new();

    /// <summary>How long it takes until it has its whole share again after it recovered.</summary>
    public TimeSpan SlowStart { get; set; }

    /// <summary>It recovered: its share grows from now on.</summary>
    public void BeginSlowStart() => Load.BeginSlowStart(SlowStart, _time.GetTimestamp());

    /// <summary>Whether it asked for less traffic, and for how long.</summary>
    public Backpressure Backpressure { get; }

    /// <summary>Requests that found no place here, nor anywhere else.</summary>
    public long RejectedFull => Volatile.Read(ref _rejectedFull);

    /// <summary>A request was refused because this destination was full, and every other one as well.</summary>
    public void Rejected() => Interlocked.Increment(ref _rejectedFull);

    /// <summary>An attempt begins, where there is room.</summary>
    /// <param name="limit">The most attempts at a time.</param>
    /// <returns>Whether there was.</returns>
    public bool TryBegin(int limit)
    {
        if (!Load.TryBegin(limit))
        {
            return false;
        }

        Metrics.AttemptStarted();
        return true;
    }

    /// <summary>The attempt does not come about after all.</summary>
    public void GiveBack()
    {
        Metrics.AttemptNotSent();
        Load.End();
    }

    /// <summary>An attempt has ended: its response is complete, or it failed.</summary>
    public void End() => Load.End();
}
