using ResilientProxy.Timeouts;

namespace ResilientProxy.Forwarding;

/// <summary>Ends what would outlast a drain: WebSockets and streams, one after the other, so that their clients do not all come back at once elsewhere.</summary>
/// <remarks>
/// Each gets a moment of its own. What has no end by its nature has it in the first three quarters of the time, what only declares no length in
/// what is left of it but for a twentieth. A WebSocket is closed with 1001 and has a while for its answer; a stream is broken off, so that
/// nobody takes it for complete.
/// </remarks>
internal sealed class LongLives(TimerSweep sweep, Random random)
{
    private const double EndlessUntil = 0.75;
    private const double AllUntil = 0.95;

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestClose = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<Attempt, Plan> _planned = [];

    /// <summary>Begins to end them, and what begins meanwhile.</summary>
    /// <param name="window">Within which they have to be over.</param>
    /// <returns>What does it; to be disposed when nothing is left to end.</returns>
    public ITimer Begin(TimeSpan window)
    {
        var began = sweep.Time.GetTimestamp();
        return sweep.Time.CreateTimer(_ => Look(sweep.Time.GetElapsedTime(began), window), null, TimeSpan.Zero, Step);
    }

    /// <summary>Moments in a span, one for each of so many, as far apart as they can be and yet not to be foretold.</summary>
    /// <param name="count">How many.</param>
    /// <param name="from">Where the span begins.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="random">Which.</param>
    internal static IEnumerable<TimeSpan> Spread(int count, TimeSpan from, TimeSpan to, Random random)
    {
        for (var i = 0; i < count; i++)
        {
            yield return from + ((to - from) * ((i + random.NextDouble()) / count));
        }
    }

    private void Look(TimeSpan now, TimeSpan window)
    {
        if (!_lock.TryEnter())
        {
            return; // the last look is not over yet
        }

        try
        {
            Look_NeedsLock(now, window);
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void Look_NeedsLock(TimeSpan now, TimeSpan window)
    {
        var attempts = sweep.Watched().OfType<Attempt>().ToHashSet();
        foreach (var gone in _planned.Keys.Where(attempt => !attempts.Contains(attempt)).ToArray())
        {
            _planned.Remove(gone);
        }

        attempts.ExceptWith(_planned.Keys);
        PlanNew_NeedsLock(attempts, LifeSpan.Endless, now, window * EndlessUntil);
        PlanNew_NeedsLock(attempts, LifeSpan.Unknown, window * EndlessUntil, window * AllUntil);
        foreach (var (attempt, plan) in _planned.Where(entry => entry.Value.Due <= now).ToArray())
        {
            if (attempt.WebSocket is { } socket && !plan.IsClosing)
            {
                _ = socket.CloseAsync(); // ends with its connection, and never fails
                _planned[attempt] = new(now + Shorter(LongestClose, window * (AllUntil - EndlessUntil)), IsClosing: true);
            }
            else
            {
                attempt.Cancel(AttemptEnd.Draining);
            }
        }
    }

    private void PlanNew_NeedsLock(IEnumerable<Attempt> fresh, LifeSpan life, TimeSpan from, TimeSpan to)
    {
        var attempts = fresh.Where(attempt => attempt.Life == life).ToArray();
        random.Shuffle(attempts); // who came first is not who goes first
        foreach (var (attempt, due) in attempts.Zip(Spread(attempts.Length, from, from < to ? to : from, random)))
        {
            _planned.Add(attempt, new(due, IsClosing: false));
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private readonly record struct Plan(TimeSpan Due, bool IsClosing);
}
