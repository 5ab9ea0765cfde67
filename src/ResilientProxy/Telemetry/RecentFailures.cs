namespace ResilientProxy.Telemetry;

/// <summary>The last requests that failed or that only a further attempt or a fallback rescued, each with its attempts: what an operator looks at first.</summary>
/// <remarks>
/// Plain successes never come here. Under a storm of failures the oldest make way; the lock is held for one copy. Refusals come by the thousand,
/// and all say the same: of each reason one in a while is enough, or they push out what led to them.
/// </remarks>
internal sealed class RecentFailures(TimeProvider time)
{
    private static readonly TimeSpan BetweenRefusals = TimeSpan.FromMilliseconds(200);

    /// <summary>Requests kept.</summary>
    public const int Capacity = 50;

    private readonly Lock _lock = new();
    private readonly AccessLogEntry[] _ring = new AccessLogEntry[Capacity];
    private long _added;
    private string? _lastRefusal;
    private long _lastRefusalAt;

    /// <summary>Whether a refusal is still worth to be added.</summary>
    /// <param name="reason">Its reason.</param>
    public bool WantsRefusal(string? reason)
    {
        // Two at the same time may both be wanted: nothing is wrong with that.
        var now = time.GetTimestamp();
        if (ReferenceEquals(reason, Volatile.Read(ref _lastRefusal)) && time.GetElapsedTime(Volatile.Read(ref _lastRefusalAt), now) < BetweenRefusals)
        {
            return false;
        }

        Volatile.Write(ref _lastRefusalAt, now);
        Volatile.Write(ref _lastRefusal, reason);
        return true;
    }

    /// <summary>One more.</summary>
    /// <param name="entry">What the access log would say of it.</param>
    public void Add(in AccessLogEntry entry)
    {
        lock (_lock)
        {
            _ring[_added++ % Capacity] = entry;
        }
    }

    /// <summary>Those that are kept, the newest first.</summary>
    public IReadOnlyList<AccessLogEntry> NewestFirst()
    {
        lock (_lock)
        {
            var entries = new AccessLogEntry[Math.Min(_added, Capacity)];
            for (var i = 0; i < entries.Length; i++)
            {
                entries[i] = _ring[(_added - 1 - i) % Capacity];
            }

            return entries;
        }
    }
}
