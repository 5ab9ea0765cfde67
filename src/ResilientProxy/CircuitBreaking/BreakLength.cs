namespace ResilientProxy.CircuitBreaking;

/// <summary>How long the next break is: twice the one before while failure follows failure, up to a bound, and a little more or less.</summary>
/// <remarks>Not thread-safe: the circuit's lock guards it.</remarks>
internal sealed class BreakLength(CircuitBreakerOptions options, Func<double> random)
{
    private int _doublings;

    /// <summary>The last one, jitter included; zero where there was none.</summary>
    public TimeSpan Last { get; private set; }

    /// <summary>The next one.</summary>
    /// <param name="again">Whether the circuit did not stay closed for long: the length goes on doubling.</param>
    public TimeSpan Next(bool again)
    {
        _doublings = again ? _doublings + 1 : 0;
        var longest = options.MaxBreakDuration.TotalSeconds;
        var seconds = Math.Min(options.BreakDuration.TotalSeconds * Math.Pow(2, Math.Min(_doublings, 40)), longest);

        // Proxies that opened together must not probe together.
        Last = TimeSpan.FromSeconds(Math.Min(seconds * (0.9 + (0.2 * random())), longest));
        return Last;
    }

    /// <summary>The next one is the first.</summary>
    public void Forget()
    {
        _doublings = 0;
        Last = TimeSpan.Zero;
    }
}
