namespace ResilientProxy.Timeouts;

/// <summary>One timer for the whole process in place of a timer object a request: it looks for what is due when something may be.</summary>
/// <remarks>
/// A timer fires at most <see cref="Resolution"/> late. Moving one later is a plain write; entries are spread over stripes with a lock each,
/// and a stripe is only walked once its earliest entry may be due, so that thousands of idle streams cost nothing. It sleeps until then: a tick
/// wakes a thread of the pool, which then looks around for more work, and a hundred of those a second cost a busy proxy a tenth of its time.
/// </remarks>
internal sealed class TimerSweep : IDisposable
{
    /// <summary>How often the sweep looks at most: the largest delay of a timer.</summary>
    public static readonly TimeSpan Resolution = TimeSpan.FromMilliseconds(10);

    // What a timer of the platform takes is less than 50 days; waking once an hour for nothing costs nothing.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromHours(1);

    private readonly TimeProvider _time;
    private readonly Stripe[] _stripes;
    private readonly Lock _wakeUp = new();
    private readonly ITimer _timer;
    private long _nextLook = SweepTimer.Never;

    /// <summary>Starts the sweep.</summary>
    /// <param name="time">The clock.</param>
    public TimerSweep(TimeProvider time)
    {
        _time = time;
        _stripes = [.. Enumerable.Range(0, Math.Max(1, Environment.ProcessorCount)).Select(_ => new Stripe(this))];
        _timer = time.CreateTimer(static sweep => ((TimerSweep)sweep!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The clock the sweep goes by.</summary>
    public TimeProvider Time => _time;

    /// <summary>The timestamp at which <paramref name="span"/> has passed from now; never for an infinite one.</summary>
    /// <param name="span">How long from now; <see cref="Timeout.InfiniteTimeSpan"/> for never.</param>
    public long DueIn(TimeSpan span) => DueAfter(_time.GetTimestamp(), span);

    /// <summary>The timestamp at which <paramref name="span"/> has passed since <paramref name="timestamp"/>; never for an infinite one.</summary>
    /// <param name="timestamp">Where the span begins.</param>
    /// <param name="span">How long; <see cref="Timeout.InfiniteTimeSpan"/> for never.</param>
    public long DueAfter(long timestamp, TimeSpan span) =>
        span == Timeout.InfiniteTimeSpan ? SweepTimer.Never : timestamp + (long)(span.TotalSeconds * _time.TimestampFrequency);

    /// <summary>Puts a timer under watch; its owner must <see cref="Remove"/> it.</summary>
    /// <param name="timer">The timer, with its due time set.</param>
    public void Add(SweepTimer timer)
    {
        var stripe = _stripes[Thread.GetCurrentProcessorId() % _stripes.Length];
        timer.Stripe = stripe;
        stripe.Add(timer);
    }

    /// <summary>Takes a timer off the watch.</summary>
    /// <param name="timer">A timer that was added; a second call does nothing.</param>
    /// <returns>Whether it will not fire any more: false where it has fired, or is about to.</returns>
    public static bool Remove(SweepTimer timer) => timer.Stripe?.Remove(timer) ?? true;

    /// <summary>The timers under watch at this moment.</summary>
    public IReadOnlyList<SweepTimer> Watched()
    {
        var timers = new List<SweepTimer>();
        foreach (var stripe in _stripes)
        {
            stripe.CopyTo(timers);
        }

        return timers;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        lock (_wakeUp)
        {
            _nextLook = SweepTimer.Never; // what is added from here on sees to its own wake-up
        }

        var now = _time.GetTimestamp();
        var earliest = SweepTimer.Never;
        foreach (var stripe in _stripes)
        {
            earliest = Math.Min(earliest, stripe.Sweep(now));
        }

        LookBy(earliest);
    }

    /// <summary>Sees to it that the sweep looks when <paramref name="due"/> has come, or up to <see cref="Resolution"/> later.</summary>
    private void LookBy(long due)
    {
        if (due >= Volatile.Read(ref _nextLook))
        {
            return;
        }

        lock (_wakeUp)
        {
            if (due >= _nextLook)
            {
                return;
            }

            _nextLook = due;
            var wait = _time.GetElapsedTime(_time.GetTimestamp(), due);
            _timer.Change(wait < Resolution ? Resolution : wait < LongestSleep ? wait : LongestSleep, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>A part of the timers under a lock of its own.</summary>
    internal sealed class Stripe(TimerSweep sweep)
    {
        private readonly Lock _lock = new();
        private SweepTimer? _first;
        private long _earliest = SweepTimer.Never;

        public void Add(SweepTimer timer)
        {
            lock (_lock)
            {
                timer.Next = _first;
                timer.Previous = null;
                _first?.Previous = timer;
                _first = timer;
                _earliest = Math.Min(_earliest, timer.Due);
            }

            sweep.LookBy(timer.Due);
        }

        public bool Remove(SweepTimer timer)
        {
            lock (_lock)
            {
                Unlink_NeedsLock(timer);
                return !timer.IsFiring;
            }
        }

        public void CopyTo(List<SweepTimer> timers)
        {
            lock (_lock)
            {
                for (var timer = _first; timer is not null; timer = timer.Next)
                {
                    timers.Add(timer);
                }
            }
        }

        /// <summary>A timer's due time moved to an earlier one: the next walk must not come too late for it.</summary>
        public void MovedEarlier(long due)
        {
            lock (_lock)
            {
                _earliest = Math.Min(_earliest, due);
            }

            sweep.LookBy(due);
        }

        /// <summary>Fires what is due.</summary>
        /// <returns>The earliest of the due times that are left.</returns>
        public long Sweep(long now)
        {
            SweepTimer? due = null;
            var earliest = SweepTimer.Never;
            lock (_lock)
            {
                if (_earliest > now)
                {
                    return _earliest;
                }

                for (var timer = _first; timer is not null;)
                {
                    var next = timer.Next;
                    if (timer.Due <= now)
                    {
                        Unlink_NeedsLock(timer);
                        timer.Next = due;
                        due = timer;
                        timer.IsFiring = true;
                    }
                    else
                    {
                        earliest = Math.Min(earliest, timer.Due);
                    }

                    timer = next;
                }

                _earliest = earliest;
            }

            while (due is not null)
            {
                var next = due.Next;
                due.Next = null;
                due.Fire();
                due = next;
            }

            return earliest;
        }

        private void Unlink_NeedsLock(SweepTimer timer)
        {
            if (timer.IsFiring || (timer.Previous is null && !ReferenceEquals(_first, timer)))
            {
                return; // not linked any more
            }

            if (timer.Previous is { } previous)
            {
                previous.Next = timer.Next;
            }
            else
            {
                _first = timer.Next;
            }

            timer.Next?.Previous = timer.Previous;
            timer.Previous = null;
            timer.Next = null;
        }
    }
}

/// <summary>Something with a due time that a <see cref="TimerSweep"/> watches.</summary>
internal abstract class SweepTimer
{
    /// <summary>The due time of a timer that does not fire.</summary>
    public const long Never = long.MaxValue;

    private long _due = Never;

    /// <summary>The timestamp (of the sweep's clock) from which it fires.</summary>
    public long Due => Volatile.Read(ref _due);

    internal TimerSweep.Stripe? Stripe { get; set; }

    internal SweepTimer? Next { get; set; }

    internal SweepTimer? Previous { get; set; }

    internal bool IsFiring { get; set; }

    /// <summary>Sets the due time, earlier or later.</summary>
    /// <param name="due">A timestamp of the sweep's clock, or <see cref="Never"/>.</param>
    public void SetDue(long due)
    {
        var earlier = due < _due;
        Volatile.Write(ref _due, due);
        if (earlier)
        {
            Stripe?.MovedEarlier(due);
        }
    }

    /// <summary>Called once, on a thread of the sweep, when the time has come; must not block.</summary>
    protected abstract void OnDue();

    internal void Fire() => OnDue();
}
