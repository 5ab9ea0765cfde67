using System.ComponentModel.DataAnnotations;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Bulkhead;

/// <summary>How many requests of a route are served at the same time, so that a slow one cannot take every place of the proxy.</summary>
internal sealed record BulkheadOptions
{
    /// <summary>Requests served at once, each until the last byte of its answer; 1 to 1000000, or "adaptive".</summary>
    public ConcurrencyLimit MaxConcurrent { get; init; } = new(256);

    /// <summary>The lowest adaptive limit; 1 to 1000000.</summary>
    [Range(1, 1_000_000)]
    public int Min { get; init; } = 10;

    /// <summary>The highest adaptive limit; 1 to 1000000.</summary>
    [Range(1, 1_000_000)]
    public int Max { get; init; } = 1000;

    /// <summary>Requests that may wait for a place, first come first served; 0 to 1000000. The rest are refused at once.</summary>
    [Range(0, 1_000_000)]
    public int MaxQueue { get; init; } = 64;

    /// <summary>The longest wait for a place; 0 to 10 min.</summary>
    [DurationRange("0s", "10m")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What the mechanism goes by.</summary>
    public BulkheadSettings Settings() => new(MaxConcurrent, Min, Max, MaxQueue, QueueTimeout);
}

/// <summary>How many requests a cluster, and each of its destinations, serves at the same time.</summary>
internal sealed record ClusterBulkheadOptions
{
    /// <summary>Requests served at once, each until the last byte of its answer; 1 to 1000000, or "adaptive".</summary>
    public ConcurrencyLimit MaxConcurrent { get; init; } = new(1024);

    /// <summary>The lowest adaptive limit; 1 to 1000000.</summary>
    [Range(1, 1_000_000)]
    public int Min { get; init; } = 10;

    /// <summary>The highest adaptive limit; 1 to 1000000.</summary>
    [Range(1, 1_000_000)]
    public int Max { get; init; } = 1000;

    /// <summary>Requests that may wait for a place, first come first served; 0 to 1000000. The rest are refused at once.</summary>
    [Range(0, 1_000_000)]
    public int MaxQueue { get; init; } = 128;

    /// <summary>The longest wait for a place; 0 to 10 min.</summary>
    [DurationRange("0s", "10m")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Attempts at one destination at once; 1 to 1000000. A full destination is passed over while another one has room.</summary>
    [Range(1, 1_000_000)]
    public int MaxConcurrentPerDestination { get; init; } = 256;

    /// <summary>What the mechanism goes by.</summary>
    public BulkheadSettings Settings() => new(MaxConcurrent, Min, Max, MaxQueue, QueueTimeout);
}

/// <summary>What a bulkhead goes by.</summary>
/// <param name="Limit">Requests at once.</param>
/// <param name="Min">The lowest adaptive limit.</param>
/// <param name="Max">The highest adaptive limit.</param>
/// <param name="MaxQueue">Requests that may wait.</param>
/// <param name="QueueTimeout">The longest wait.</param>
internal sealed record BulkheadSettings(ConcurrencyLimit Limit, int Min, int Max, int MaxQueue, TimeSpan QueueTimeout);
