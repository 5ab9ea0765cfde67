namespace ResilientProxy.Admission;

/// <summary>Measures how long work waits for a thread of the pool: by sending some.</summary>
internal sealed class QueueDelay(TimeProvider time) : IThreadPoolWorkItem
{
    private Action<TimeSpan>? _measured;
    private long _sent;
    private int _isUnderWay;

    /// <summary>Sends a piece of work, unless one is on its way.</summary>
    /// <param name="measured">Told how long it waited, on a thread of the pool.</param>
    public void Measure(Action<TimeSpan> measured)
    {
        if (Interlocked.Exchange(ref _isUnderWay, 1) == 0)
        {
            _measured = measured;
            _sent = time.GetTimestamp();
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false); // the queue that requests come by
        }
    }

    /// <inheritdoc/>
    public void Execute()
    {
        var (delay, measured) = (time.GetElapsedTime(_sent), _measured!);
        Volatile.Write(ref _isUnderWay, 0);
        measured(delay);
    }
}
