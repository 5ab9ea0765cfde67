namespace ResilientProxy.CircuitBreaking;

/// <summary>Whether failures in a row mean that a destination is down, or are the dice.</summary>
/// <remarks>
/// A destination that answers one request in ten with a 500 fails five times in a row once in 110000 attempts: minutes, at a proxy's rate.
/// Opening the circuit then takes nine good answers in ten away. Where the sampling window shows that a destination fails now and then, a
/// run must therefore be twice as long, which at one in ten comes up once in ten thousand million attempts, while a destination that really
/// went down gets there a moment later. One that did not fail before, or that the window does not know yet, is judged by the plain number.
/// </remarks>
internal static class FailureRun
{
    // Five in a row by chance at one in fifty: once in three hundred million attempts.
    private const double OftenEnough = 0.02;

    /// <summary>Failures in a row that open the circuit now.</summary>
    /// <param name="options">The options; their <c>ConsecutiveFailures</c> must be in use.</param>
    /// <param name="run">Failures in a row up to now, which the window has counted too.</param>
    /// <param name="failures">Failures in the window.</param>
    /// <param name="successes">Successes in the window.</param>
    public static int Needed(CircuitBreakerOptions options, int run, long failures, long successes)
    {
        var failuresBefore = Math.Max(0, failures - run);
        var before = failuresBefore + successes;

        // Without the ratio nothing else would catch a destination that fails more often than not: then the number means what it says.
        var failsNowAndThen = options.FailureRatio > 0 && before >= options.MinimumThroughput && failuresBefore >= before * OftenEnough;
        return failsNowAndThen ? options.ConsecutiveFailures * 2 : options.ConsecutiveFailures;
    }
}
