namespace ResilientProxy.Forwarding;

/// <summary>Bounds what all the recorded request bodies of the process take together.</summary>
/// <param name="limit">The most bytes; asked for each time, because a reload may change it.</param>
internal sealed class ReplayMemory(Func<long> limit)
{
    private long _used;

    /// <summary>Bytes taken at this moment.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Takes some; false where there is too little left.</summary>
    /// <param name="bytes">How many.</param>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= limit())
        {
            return true;
        }

        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    /// <summary>Gives some back.</summary>
    /// <param name="bytes">How many.</param>
    public void Return(int bytes) => Interlocked.Add(ref _used, -bytes);
}
