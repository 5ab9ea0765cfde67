using ResilientProxy.Errors;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Bulkhead;

/// <summary>How a request fared at a bulkhead.</summary>
internal enum BulkheadEntry
{
    /// <summary>It has a place, and must leave it.</summary>
    Entered,

    /// <summary>All places and the whole queue were taken.</summary>
    Full,

    /// <summary>No place came free in time.</summary>
    QueueTimeout,
}

/// <summary>Lets so many in at the same time, has so many more wait in the order of their coming, and refuses the rest at once.</summary>
/// <remarks>
/// With room and nobody waiting, entering and leaving are one interlocked operation each. Whoever leaves hands its place to the first in the
/// queue, so that a newcomer never overtakes one that waits.
/// </remarks>
internal sealed class Bulkhead
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _queue = [];
    private readonly TimerSweep _sweep;
    private volatile BulkheadSettings _settings;
    private AdaptiveLimit? _adaptive;
    private int _inFlight;
    private int _queued;
    private long _full;
    private long _timedOut;

    /// <summary>An empty bulkhead.</summary>
    /// <param name="settings">What it goes by.</param>
    /// <param name="sweep">What ends the waits.</param>
    public Bulkhead(BulkheadSettings settings, TimerSweep sweep)
    {
        _sweep = sweep;
        _settings = settings;
        _adaptive = AdaptiveOf(settings);
    }

    /// <summary>Requests that have a place.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Requests that wait for one.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>How many places there are at this moment.</summary>
    public int Limit => Volatile.Read(ref _adaptive)?.Limit ?? _settings.Limit.Value;

    /// <summary>Requests that were refused because all was full.</summary>
    public long RejectedFull => Volatile.Read(ref _full);

    /// <summary>Requests that waited in vain.</summary>
    public long RejectedByQueueTimeout => Volatile.Read(ref _timedOut);

    /// <summary>Takes other settings over; who is in stays in, who waits goes on waiting.</summary>
    /// <param name="settings">The settings.</param>
    public void Update(BulkheadSettings settings)
    {
        if (settings == _settings)
        {
            return;
        }

        lock (_lock)
        {
            _settings = settings;
            Volatile.Write(ref _adaptive, AdaptiveOf(settings));
        }

        Admit();
    }

    /// <summary>Takes a place, if there is one and nobody waits.</summary>
    public bool TryEnter()
    {
        if (Volatile.Read(ref _queued) > 0)
        {
            return false;
        }

        if (Interlocked.Increment(ref _inFlight) <= Limit)
        {
            return true;
        }

        Leave();
        return false;
    }

    /// <summary>Takes a place, or waits for one.</summary>
    /// <param name="longestWait">The longest wait that makes sense; the queue's own timeout counts as well.</param>
    /// <param name="cancellationToken">The request is over: its place in the queue is free at once.</param>
    /// <exception cref="OperationCanceledException">The request was over before there was a place.</exception>
    public async ValueTask<BulkheadEntry> EnterAsync(TimeSpan longestWait, CancellationToken cancellationToken)
    {
        if (TryEnter())
        {
            return BulkheadEntry.Entered;
        }

        var settings = _settings;
        var wait = longestWait < settings.QueueTimeout ? longestWait : settings.QueueTimeout;
        Waiter waiter;
        lock (_lock)
        {
            if (_queue.Count >= settings.MaxQueue)
            {
                Interlocked.Increment(ref _full);
                return BulkheadEntry.Full;
            }

            if (wait <= TimeSpan.Zero)
            {
                Interlocked.Increment(ref _timedOut);
                return BulkheadEntry.QueueTimeout;
            }

            waiter = new Waiter(this);
            waiter.Place = _queue.AddLast(waiter);
            Volatile.Write(ref _queued, _queue.Count);
        }

        // A place that came free before the line above was seen belongs to the first in the queue.
        Admit();
        waiter.SetDue(_sweep.DueIn(wait));
        _sweep.Add(waiter);
        using var registration = cancellationToken.UnsafeRegister(static waiter => ((Waiter)waiter!).GiveUp(), waiter);
        try
        {
            var entered = await waiter.Task;
            if (!entered && cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellationToken);
            }

            if (!entered)
            {
                Interlocked.Increment(ref _timedOut);
            }

            return entered ? BulkheadEntry.Entered : BulkheadEntry.QueueTimeout;
        }
        finally
        {
            TimerSweep.Remove(waiter);
        }
    }

    /// <summary>Gives the place back, and says what an adaptive limit learns from the request.</summary>
    /// <param name="latency">How long the upstream took until its answer's headers, or its failure.</param>
    /// <param name="verdict">What the last attempt said.</param>
    public void Leave(TimeSpan latency, AttemptVerdict verdict)
    {
        if (Volatile.Read(ref _adaptive) is { } adaptive)
        {
            adaptive.Learn(latency, verdict, InFlight, _sweep.Time.GetTimestamp());
        }

        Leave();
    }

    /// <summary>Gives the place back.</summary>
    public void Leave()
    {
        Interlocked.Decrement(ref _inFlight);
        if (Volatile.Read(ref _queued) > 0)
        {
            Admit();
        }
    }

    // Hands free places to the first in the queue.
    private void Admit()
    {
        while (Volatile.Read(ref _queued) > 0)
        {
            Waiter first;
            lock (_lock)
            {
                if (_queue.First is not { } node)
                {
                    return;
                }

                if (Interlocked.Increment(ref _inFlight) > Limit)
                {
                    Interlocked.Decrement(ref _inFlight);

                    // Somebody may have left between the two: then nobody else is going to look.
                    if (Volatile.Read(ref _inFlight) >= Limit)
                    {
                        return;
                    }

                    continue;
                }

                first = node.Value;
                Remove_NeedsLock(first);
            }

            first.Enter();
        }
    }

    private void Remove_NeedsLock(Waiter waiter)
    {
        _queue.Remove(waiter.Place!);
        waiter.Place = null;
        Volatile.Write(ref _queued, _queue.Count);
    }

    private AdaptiveLimit? AdaptiveOf(BulkheadSettings settings) =>
        settings.Limit.IsAdaptive ? new AdaptiveLimit(settings.Min, settings.Max, _sweep.Time) : null;

    // One request in the queue. Whoever takes it out of the queue, under the lock, decides how its wait ends.
    private sealed class Waiter(Bulkhead bulkhead) : SweepTimer
    {
        private readonly TaskCompletionSource<bool> _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LinkedListNode<Waiter>? Place { get; set; }

        public Task<bool> Task => _entered.Task;

        public void Enter() => _entered.SetResult(true);

        public void GiveUp()
        {
            lock (bulkhead._lock)
            {
                if (Place is null)
                {
                    return; // it has its place already, and leaves it when the request ends
                }

                bulkhead.Remove_NeedsLock(this);
            }

            _entered.SetResult(false);
        }

        protected override void OnDue() => GiveUp();
    }
}
