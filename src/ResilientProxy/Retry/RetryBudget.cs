using ResilientProxy.Values;

namespace ResilientProxy.Retry;

/// <summary>Lends retries and hedges to the requests of a route as long as they stay in proportion to the requests of the last ten seconds.</summary>
/// <remarks>A limit per request alone lets an outage multiply the load on what is left of an upstream.</remarks>
internal sealed class RetryBudget(RetryBudgetOptions options, TimeProvider time)
{
    private readonly TenSeconds _window = new(time);

    /// <summary>A request arrived.</summary>
    public void RequestStarted() => _window.CountRequest();

    /// <summary>Takes one retry from the budget.</summary>
    /// <returns>False where it is used up.</returns>
    public bool TryTake()
    {
        if (_window.ExtraThisSecond >= options.MinRetriesPerSecond)
        {
            var (requests, retries) = _window.Totals();
            if (retries >= requests * options.Ratio)
            {
                return false;
            }
        }

        _window.CountExtra();
        return true;
    }
}
