namespace ResilientProxy.RateLimiting;

/// <summary>What a fixed window has counted.</summary>
internal struct FixedWindowState
{
    /// <summary>When the window began: with the first request after the one before had ended.</summary>
    public long Start;

    /// <summary>Permits taken since; 0 for a window that has not begun.</summary>
    public long Count;
}

/// <summary>So many permits a window. Windows begin with a partition's first request, so that not all clients return in the same moment.</summary>
internal readonly struct FixedWindow(int permits, TimeSpan window) : ILimit<FixedWindowState>
{
    private readonly long _window = LimitClock.Of(window);

    /// <inheritdoc/>
    public RateLimitVerdict Take(ref FixedWindowState state, long now)
    {
        if (state.Count == 0 || now - state.Start >= _window)
        {
            state = new FixedWindowState { Start = now };
        }

        var isAdmitted = state.Count < permits;
        state.Count += isAdmitted ? 1 : 0;
        return new(isAdmitted, permits - state.Count, state.Start + _window - now);
    }

    /// <inheritdoc/>
    public long IdleFrom(in FixedWindowState state) => state.Start + _window;
}
