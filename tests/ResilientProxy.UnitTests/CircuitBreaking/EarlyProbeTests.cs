using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class EarlyProbeTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly CircuitGroup _group = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void A_destination_alone_keeps_its_break()
    {
        var alone = Open(1)[0];

        _time.Advance(TimeSpan.FromSeconds(4));

        Assert.False(alone.Breaker.TryTakeEarlyTurn(out _, out var wait));
        Assert.Equal(TimeSpan.MaxValue, wait);
    }

    [Fact]
    public void There_is_no_turn_while_a_sibling_takes_the_traffic()
    {
        var circuits = Open(2);
        circuits[1].Breaker.Close(ttl: null);

        _time.Advance(TimeSpan.FromSeconds(4));

        Assert.False(circuits[0].Breaker.TryTakeEarlyTurn(out _, out var wait));
        Assert.Equal(TimeSpan.MaxValue, wait);
    }

    [Fact]
    public void Once_all_are_open_one_caller_an_interval_has_a_turn_and_not_always_the_same_one()
    {
        var circuits = Open(3);

        Assert.False(circuits[0].Breaker.TryTakeEarlyTurn(out _, out var wait));
        Assert.Equal(Interval, wait);
        var turns = new List<int>();
        for (var i = 0; i < 4; i++)
        {
            _time.Advance(Interval);
            Assert.True(circuits[0].Breaker.TryTakeEarlyTurn(out var turn, out _));
            turns.Add(turn % 3);
            Assert.False(circuits[1].Breaker.TryTakeEarlyTurn(out _, out wait));
            Assert.Equal(Interval, wait);
        }

        Assert.Equal(3, turns.Distinct().Count());
    }

    [Fact]
    public void A_longer_break_is_probed_more_seldom()
    {
        var circuits = Open(2, new() { BreakDuration = TimeSpan.FromMinutes(1), MaxBreakDuration = TimeSpan.FromMinutes(1) });

        Assert.False(circuits[0].Breaker.TryTakeEarlyTurn(out _, out var wait));

        Assert.Equal(TimeSpan.FromSeconds(6), wait);
    }

    [Fact]
    public void An_early_probe_that_fails_changes_nothing()
    {
        var circuit = Open(2)[0];
        _time.Advance(Interval);
        var left = circuit.Breaker.NextProbeIn;
        circuit.Told.Clear();

        circuit.Breaker.Record(Early(circuit), AttemptVerdict.Failure);

        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
        Assert.Equal(left, circuit.Breaker.NextProbeIn);
        Assert.Empty(circuit.Told);
        _time.Advance(left);
        circuit.Fail();
        Assert.Equal(TimeSpan.FromSeconds(10), circuit.Breaker.NextProbeIn);
    }

    [Fact]
    public void An_early_probe_that_succeeds_closes_the_circuit_and_the_others_find_out_at_once()
    {
        var circuits = Open(3);
        _time.Advance(Interval);

        circuits[1].Breaker.Record(Early(circuits[1]), AttemptVerdict.Success);

        Assert.Equal(CircuitState.Closed, circuits[1].Breaker.State);
        Assert.Equal(new(CircuitState.Open, CircuitState.Closed, "probe succeeded"), circuits[1].Told[^1]);
        Assert.True(circuits[0].Enter().IsProbe);
        Assert.True(circuits[2].Enter().IsProbe);
    }

    [Fact]
    public void A_circuit_that_closes_beside_closed_ones_ends_no_other_break()
    {
        var circuits = Open(3);
        circuits[0].Breaker.Close(ttl: null);
        _time.Advance(TimeSpan.FromSeconds(5));
        circuits[2].Fail();

        circuits[1].Succeed();

        Assert.Equal(CircuitState.Open, circuits[2].Breaker.State);
        Assert.False(circuits[2].Breaker.IsAvailable);
    }

    [Theory]
    [InlineData(AttemptVerdict.Failure)]
    [InlineData(AttemptVerdict.Nothing)]
    internal void While_an_early_probe_is_under_way_there_is_no_second_one_not_even_after_the_break(AttemptVerdict verdict)
    {
        var circuit = Open(2)[0];
        _time.Advance(Interval);
        var early = Early(circuit);

        Assert.False(circuit.Breaker.TryProbeEarly(out _));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(circuit.Breaker.IsAvailable);
        Assert.False(circuit.Breaker.TryEnter(out _));
        Assert.Equal(CircuitBreaker.ProbeWait, circuit.Breaker.NextProbeIn);
        circuit.Breaker.Record(early, verdict);

        Assert.True(circuit.Enter().IsProbe);
        circuit.Breaker.Record(early, AttemptVerdict.Success);
        Assert.Equal(CircuitState.HalfOpen, circuit.Breaker.State);
    }

    [Fact]
    public void An_isolated_circuit_is_never_probed_early()
    {
        var circuits = Open(2);
        circuits[0].Breaker.Isolate(ttl: null);
        _time.Advance(Interval);

        Assert.False(circuits[0].Breaker.TryProbeEarly(out _));
        Assert.True(circuits[1].Breaker.TryTakeEarlyTurn(out _, out _));
        circuits[1].Breaker.Record(Early(circuits[1]), AttemptVerdict.Success);

        Assert.Equal(CircuitState.Isolated, circuits[0].Breaker.State);
    }

    private static CircuitPass Early(Circuit circuit)
    {
        Assert.True(circuit.Breaker.TryProbeEarly(out var pass));
        Assert.True(pass.IsProbe);
        return pass;
    }

    private List<Circuit> Open(int count, CircuitBreakerOptions? options = null)
    {
        List<Circuit> circuits = [.. Enumerable.Range(0, count).Select(_ => new Circuit(options, _group, _time))];
        circuits.ForEach(circuit => circuit.Fail(5));
        return circuits;
    }
}
