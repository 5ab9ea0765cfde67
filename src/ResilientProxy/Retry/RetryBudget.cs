using ResilientProxy.Values;

namespace ResilientProxy.Retry;

/// <summary>Lends retries and hedges to the requests of a route: some each second, and beyond these a share of the requests of the last ten seconds.</summary>
/// <remarks>A limit per request alone lets an outage multiply the load on what is left of an upstream.</remarks>
internal sealed class RetryBudget(RetryBudgetOptions options, TimeProvider time)
{
    private readonly RollingCounts _window = new(TimeSpan.FromSeconds(10), time);

    // The second in the upper half, what was lent in it in the lower: one word, so that a new second begins at zero for everybody at once.
    private long _floor;

    /// <summary>A request arrived.</summary>
    public void RequestStarted() => _window.CountPlain();

    /// <summary>Takes one retry from the budget.</summary>
    /// <returns>False where it is used up.</returns>
    public bool TryTake()
    {
        if (TryTakeFloor())
        {
            return true;
        }

        var (requests, lent) = _window.SumStrictly();
        if (lent >= requests * options.Ratio)
        {
            return false;
        }

        _window.CountMarked();
        return true;
    }

    private bool TryTakeFloor()
    {
        var second = time.GetTimestamp() / time.TimestampFrequency << 32;
        while (true)
        {
            var before = Volatile.Read(ref _floor);
            var lent = before >= second ? (int)before : 0; // a slow thread counts in the newer second
            if (lent >= options.MinRetriesPerSecond)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _floor, (before >= second ? before & ~0xFFFFFFFFL : second) | (uint)(lent + 1), before) == before)
            {
                return true;
            }
        }
    }
}
