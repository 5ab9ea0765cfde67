using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class ProbeTests
{
    [Fact]
    public void Nothing_passes_until_the_break_is_over_and_then_one_probe_does()
    {
        var circuit = new Circuit();
        circuit.Fail(5);

        circuit.Time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.False(circuit.Breaker.IsAvailable);
        Assert.False(circuit.Breaker.TryEnter(out _));
        circuit.Time.Advance(TimeSpan.FromTicks(1));
        Assert.True(circuit.Breaker.IsAvailable);
        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
        var pass = circuit.Enter();

        Assert.True(pass.IsProbe);
        Assert.Equal(CircuitState.HalfOpen, circuit.Breaker.State);
        Assert.False(circuit.Breaker.IsAvailable);
        Assert.False(circuit.Breaker.TryEnter(out _));
    }

    [Fact]
    public void A_look_changes_nothing()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        circuit.Told.Clear();

        Assert.True(circuit.Breaker.IsAvailable);
        Assert.Equal(TimeSpan.Zero, circuit.Breaker.NextProbeIn);
        Assert.Equal(CircuitState.Open, circuit.Breaker.State);

        Assert.Empty(circuit.Told);
        Assert.True(circuit.Enter().IsProbe);
    }

    [Fact]
    public void A_probe_that_succeeds_closes_it_and_what_failed_before_is_forgotten()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        circuit.Told.Clear();

        circuit.Succeed();
        circuit.Fail(4);

        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        Assert.Equal(
            [
                new(CircuitState.Open, CircuitState.HalfOpen, "break is over"),
                new(CircuitState.HalfOpen, CircuitState.Closed, "probe succeeded"),
            ],
            circuit.Told);
    }

    [Fact]
    public void A_probe_that_fails_opens_it_again()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();

        circuit.Fail();

        Assert.Equal(new(CircuitState.HalfOpen, CircuitState.Open, "probe failed"), circuit.Told[^1]);
        Assert.False(circuit.Breaker.TryEnter(out _));
    }

    [Fact]
    public void A_probe_that_says_nothing_gives_its_place_to_the_next_one()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        var cancelled = circuit.Enter();

        circuit.Breaker.Record(cancelled, AttemptVerdict.Nothing);
        Assert.Equal(CircuitState.HalfOpen, circuit.Breaker.State);
        Assert.True(circuit.Breaker.IsAvailable);
        var next = circuit.Enter();

        Assert.True(next.IsProbe);
        Assert.False(circuit.Breaker.TryEnter(out _));
        circuit.Breaker.Record(next, AttemptVerdict.Success);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
    }

    [Fact]
    public void A_probe_recorded_twice_does_not_free_the_place_of_the_next_one()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        var cancelled = circuit.Enter();
        circuit.Breaker.Record(cancelled, AttemptVerdict.Nothing);
        circuit.Enter();

        circuit.Breaker.Record(cancelled, AttemptVerdict.Nothing);
        circuit.Breaker.Record(cancelled, AttemptVerdict.Success);

        Assert.Equal(CircuitState.HalfOpen, circuit.Breaker.State);
        Assert.False(circuit.Breaker.TryEnter(out _));
    }

    [Theory]
    [InlineData(AttemptVerdict.Success)]
    [InlineData(AttemptVerdict.Failure)]
    [InlineData(AttemptVerdict.Nothing)]
    internal void An_outcome_that_comes_late_moves_neither_an_open_circuit_nor_a_half_open_one(AttemptVerdict verdict)
    {
        var circuit = new Circuit();
        var late = circuit.Enter();
        var later = circuit.Enter();
        circuit.Fail(5);

        circuit.Breaker.Record(late, verdict);
        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
        circuit.Time.Advance(circuit.Breaker.NextProbeIn);
        var probe = circuit.Enter();
        circuit.Breaker.Record(later, verdict);

        Assert.Equal(CircuitState.HalfOpen, circuit.Breaker.State);
        Assert.False(circuit.Breaker.TryEnter(out _));
        circuit.Breaker.Record(probe, AttemptVerdict.Success);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
    }

    [Fact]
    public async Task Of_64_that_ask_at_the_same_time_exactly_one_is_the_probe()
    {
        for (var round = 0; round < 10; round++)
        {
            var circuit = new Circuit();
            circuit.OpenAndWait();
            using var ready = new CountdownEvent(64);
            using var start = new ManualResetEventSlim(initialState: false, spinCount: 0);

            var asked = Enumerable.Range(0, 64).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    ready.Signal();
                    start.Wait();
                    return circuit.Breaker.TryEnter(out var pass) && pass.IsProbe;
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();
            ready.Wait();
            start.Set();
            var answers = await Task.WhenAll(asked);

            Assert.Single(answers, probe => probe);
        }
    }

    [Fact]
    public void The_break_doubles_each_time_the_probe_fails_up_to_its_bound()
    {
        var circuit = new Circuit();
        circuit.Fail(5);
        List<double> breaks = [circuit.Breaker.NextProbeIn.TotalSeconds];

        for (var i = 0; i < 6; i++)
        {
            circuit.Time.Advance(circuit.Breaker.NextProbeIn);
            circuit.Fail();
            breaks.Add(circuit.Breaker.NextProbeIn.TotalSeconds);
        }

        Assert.Equal([5, 10, 20, 40, 60, 60, 60], breaks);
    }

    [Fact]
    public void A_probe_that_says_nothing_does_not_double_the_break()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();

        circuit.Attempt(AttemptVerdict.Nothing, times: 3);
        circuit.Fail();

        Assert.Equal(TimeSpan.FromSeconds(10), circuit.Breaker.NextProbeIn);
    }

    [Theory]
    [InlineData(0.0, 4.5, 60 * 0.9)]
    [InlineData(0.25, 4.75, 60 * 0.95)]
    [InlineData(0.75, 5.25, 60)]
    [InlineData(0.999999, 5.4999, 60)]
    public void The_jitter_is_a_tenth_either_way_and_never_goes_beyond_the_bound(double random, double first, double longest)
    {
        var circuit = new Circuit(random: () => random);
        circuit.Fail(5);
        Assert.Equal(first, circuit.Breaker.NextProbeIn.TotalSeconds, tolerance: 0.001);

        for (var i = 0; i < 100; i++)
        {
            circuit.Time.Advance(circuit.Breaker.NextProbeIn);
            circuit.Fail();
        }

        Assert.Equal(longest, circuit.Breaker.NextProbeIn.TotalSeconds, tolerance: 0.001);
    }

    [Fact]
    public void A_circuit_that_opens_soon_after_it_closed_goes_on_doubling()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        circuit.Succeed();

        circuit.Time.Advance(TimeSpan.FromSeconds(9));
        circuit.Fail(5);

        Assert.Equal(TimeSpan.FromSeconds(10), circuit.Breaker.NextProbeIn);
    }

    [Fact]
    public void A_circuit_that_stayed_closed_begins_with_the_first_break()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        circuit.Fail();
        circuit.Time.Advance(circuit.Breaker.NextProbeIn);
        circuit.Succeed();

        circuit.Time.Advance(TimeSpan.FromSeconds(10));
        circuit.Fail(5);

        Assert.Equal(TimeSpan.FromSeconds(5), circuit.Breaker.NextProbeIn);
    }

    [Fact]
    public void While_a_probe_is_under_way_the_wait_is_a_guess_and_not_nothing()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        var probe = circuit.Enter();

        Assert.Equal(CircuitBreaker.ProbeWait, circuit.Breaker.NextProbeIn);
        circuit.Breaker.Record(probe, AttemptVerdict.Nothing);

        Assert.Equal(TimeSpan.Zero, circuit.Breaker.NextProbeIn);
    }
}
