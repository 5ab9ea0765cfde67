namespace ResilientProxy.LoadBalancing;

/// <summary>What a balancing policy knows of one destination. It outlives the reloads that do not change the destination.</summary>
internal sealed class DestinationLoad
{
    private int _inFlight;

    /// <summary>Attempts on the way at this moment, retries and hedges included, until their responses have ended.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>An attempt begins, where there is room.</summary>
    /// <param name="limit">The most attempts at a time.</param>
    /// <returns>Whether there was.</returns>
    public bool TryBegin(int limit)
    {
        if (Interlocked.Increment(ref _inFlight) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref _inFlight);
        return false;
    }

    public void Record(TimeSpan latency, long now) { _ = latency; _ = now; _ = _inFlight; }

    /// <summary>An attempt has ended: its response is complete, or it failed.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);
}
