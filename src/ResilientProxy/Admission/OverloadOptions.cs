using ResilientProxy.Timeouts;

namespace ResilientProxy.Admission;

/// <summary>When the proxy itself has too much to do and refuses new requests, so that those it has come to an end.</summary>
internal sealed record OverloadOptions
{
    /// <summary>The share of the container's memory (the machine's, where there is no limit) that the process may take; 0.1 to 1, or "off". Retries stop at 80 % of it.</summary>
    public MemoryShare? MaxMemory { get; init => field = value ?? MemoryShare.Off; } = new MemoryShare(0.9);

    /// <summary>How long work may wait for a thread, for half a second on end; 1 ms to 1 min, or "off". Retries stop at 80 % of it.</summary>
    [DurationRange("1ms", "1m", AllowOff = true)]
    public TimeSpan? MaxQueueDelay { get; init => field = value ?? Timeout.InfiniteTimeSpan; } = TimeSpan.FromMilliseconds(50);
}
