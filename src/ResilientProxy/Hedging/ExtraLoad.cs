using ResilientProxy.Values;

namespace ResilientProxy.Hedging;

/// <summary>Keeps hedges below a share of the requests of the last ten seconds; one is always allowed in that time, or a quiet route had none.</summary>
internal sealed class ExtraLoad(double share, TimeProvider time)
{
    private readonly RollingCounts _window = new(TimeSpan.FromSeconds(10), time);

    /// <summary>A request arrived.</summary>
    public void RequestStarted() => _window.CountPlain();

    /// <summary>Takes one hedge.</summary>
    /// <returns>False where the share is used up.</returns>
    public bool TryTake()
    {
        var (requests, extra) = _window.SumStrictly();
        if (share <= 0 || extra >= Math.Max(1, requests * share))
        {
            return false;
        }

        _window.CountMarked();
        return true;
    }
}
