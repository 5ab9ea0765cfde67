using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.CircuitBreaking;

/// <summary>One circuit with a clock of its own, and what it told of.</summary>
internal sealed class Circuit
{
    public Circuit(CircuitBreakerOptions? options = null, CircuitGroup? group = null, ManualTime? time = null, Func<double>? random = null)
    {
        Time = time ?? new ManualTime();
        Group = group ?? CircuitGroup.Unlimited;

        // The middle of the jitter is the plain duration.
        Breaker = new CircuitBreaker(options ?? new(), Group, Time, (_, transition) => Told.Add(transition), random ?? (() => 0.5));
        Group.Add(Breaker);
    }

    public ManualTime Time { get; }

    public CircuitGroup Group { get; }

    public CircuitBreaker Breaker { get; }

    public List<CircuitTransition> Told { get; } = [];

    public CircuitPass Enter()
    {
        Assert.True(Breaker.TryEnter(out var pass));
        return pass;
    }

    public void Succeed(int times = 1) => Attempt(AttemptVerdict.Success, times);

    public void Fail(int times = 1) => Attempt(AttemptVerdict.Failure, times);

    public void Attempt(AttemptVerdict verdict, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            Breaker.Record(Enter(), verdict);
        }
    }

    /// <summary>Fails until the circuit is open, and waits for the end of the break.</summary>
    public void OpenAndWait()
    {
        Fail(Breaker.Options.ConsecutiveFailures);
        Assert.Equal(CircuitState.Open, Breaker.State);
        Time.Advance(Breaker.NextProbeIn);
    }
}
