namespace ResilientProxy.CircuitBreaking;

/// <summary>What a circuit does with attempts; the words are Polly's, the numbers those of the metric.</summary>
internal enum CircuitState
{
    /// <summary>Attempts pass.</summary>
    Closed = 0,

    /// <summary>The break is over; one attempt at a time passes, as a probe.</summary>
    HalfOpen = 1,

    /// <summary>No attempt passes until the break is over.</summary>
    Open = 2,

    /// <summary>No attempt passes: an operator says so.</summary>
    Isolated = 3,
}

/// <summary>The words of the states.</summary>
internal static class CircuitStateExtensions
{
    /// <summary>The state as metrics and the admin endpoint say it: a constant, so that a counter finds it by reference.</summary>
    public static string Word(this CircuitState state) => state switch
    {
        CircuitState.Closed => "closed",
        CircuitState.HalfOpen => "half_open",
        CircuitState.Open => "open",
        CircuitState.Isolated => "isolated",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, message: null),
    };
}
