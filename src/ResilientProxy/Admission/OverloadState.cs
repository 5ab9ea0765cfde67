namespace ResilientProxy.Admission;

/// <summary>How much the proxy itself has to do.</summary>
internal enum OverloadLevel
{
    /// <summary>Nothing to speak of.</summary>
    None,

    /// <summary>At 80 % of a limit: no work is added that nobody asked for.</summary>
    Pressed,

    /// <summary>Over a limit: new requests are refused.</summary>
    Overloaded,
}

/// <summary>What the guard has found, to be read on the request path: two plain reads, no measuring.</summary>
internal sealed class OverloadState
{
    private volatile int _level;
    private volatile string _reason = OverloadGuard.Memory;

    /// <summary>How much the proxy has to do.</summary>
    public OverloadLevel Level => (OverloadLevel)_level;

    /// <summary>Whether a new request is refused.</summary>
    public bool Refuses => _level == (int)OverloadLevel.Overloaded;

    /// <summary>Whether retries and hedges stop: they are the first load to go, long before a request is refused.</summary>
    public bool StopsRetries => _level != (int)OverloadLevel.None;

    /// <summary>What is short: one of the words of the label <c>reason</c>.</summary>
    public string Reason => _reason;

    /// <summary>The guard has found something new.</summary>
    /// <param name="level">The level.</param>
    /// <param name="reason">What is short.</param>
    public void Set(OverloadLevel level, string reason)
    {
        _reason = reason;
        _level = (int)level;
    }
}
