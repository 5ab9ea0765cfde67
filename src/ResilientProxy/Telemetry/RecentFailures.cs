namespace ResilientProxy.Telemetry;

/// <summary>The last requests that failed or that only a further attempt or a fallback rescued, each with its attempts: what an operator looks at first.</summary>
/// <remarks>Plain successes never come here. Under a storm of failures the oldest make way; the lock is held for one copy.</remarks>
internal sealed class RecentFailures
{
    /// <summary>Requests kept.</summary>
    public const int Capacity = 50;

    private readonly Lock _lock = new();
    private readonly AccessLogEntry[] _ring = new AccessLogEntry[Capacity];
    private long _added;

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
