using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class OperatorTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void An_isolated_circuit_lets_nothing_pass_until_the_operator_closes_it()
    {
        var circuit = new Circuit();

        circuit.Breaker.Isolate(ttl: null);
        circuit.Time.Advance(TimeSpan.FromDays(1000));
        Assert.Equal(CircuitState.Isolated, circuit.Breaker.State);
        Assert.False(circuit.Breaker.IsAvailable);
        Assert.False(circuit.Breaker.TryEnter(out _));
        Assert.Equal(Minute, circuit.Breaker.NextProbeIn);
        circuit.Breaker.Close(ttl: null);

        circuit.Succeed();
        Assert.Equal(
            [new(CircuitState.Closed, CircuitState.Isolated, "operator"), new(CircuitState.Isolated, CircuitState.Closed, "operator")],
            circuit.Told);
    }

    [Fact]
    public void An_isolation_with_a_ttl_ends_by_itself_and_is_told_of_at_the_next_look()
    {
        var circuit = new Circuit();

        circuit.Breaker.Isolate(Minute);
        circuit.Time.Advance(Minute - TimeSpan.FromTicks(1));
        Assert.False(circuit.Breaker.TryEnter(out _));
        Assert.Equal(TimeSpan.FromTicks(1), circuit.Breaker.NextProbeIn);
        circuit.Time.Advance(TimeSpan.FromTicks(1));
        Assert.True(circuit.Breaker.IsAvailable);
        Assert.Equal(TimeSpan.Zero, circuit.Breaker.NextProbeIn);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        Assert.Single(circuit.Told);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.Snapshot().State);

        Assert.Equal(new(CircuitState.Isolated, CircuitState.Closed, "isolation is over"), circuit.Told[^1]);
        Assert.False(circuit.Enter().IsProbe);
    }

    [Fact]
    public void The_first_attempt_after_an_isolation_is_a_look_as_well()
    {
        var circuit = new Circuit();
        circuit.Breaker.Isolate(Minute);
        circuit.Time.Advance(Minute);

        Assert.False(circuit.Enter().IsProbe);

        Assert.Equal(2, circuit.Told.Count);
    }

    [Fact]
    public void What_was_under_way_when_it_was_isolated_means_nothing()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        var probe = circuit.Enter();

        circuit.Breaker.Isolate(ttl: null);
        circuit.Breaker.Record(probe, AttemptVerdict.Success);

        Assert.Equal(CircuitState.Isolated, circuit.Breaker.State);
    }

    [Fact]
    public void A_second_isolation_replaces_the_first_one_and_is_no_transition()
    {
        var circuit = new Circuit();

        circuit.Breaker.Isolate(ttl: null);
        circuit.Breaker.Isolate(Minute);
        circuit.Time.Advance(Minute);

        Assert.Single(circuit.Told);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
    }

    [Fact]
    public void Closed_for_a_time_it_stays_closed_whatever_happens_and_the_first_failure_after_it_opens_it()
    {
        var circuit = new Circuit();
        circuit.Fail(5);

        circuit.Breaker.Close(Minute);
        circuit.Fail(1000);
        circuit.Time.Advance(Minute - TimeSpan.FromTicks(1));
        circuit.Fail();
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        Assert.True(circuit.Breaker.Snapshot().ByOperator);
        circuit.Time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        Assert.False(circuit.Breaker.Snapshot().ByOperator);
        circuit.Fail();

        Assert.Equal("1002 consecutive failures", circuit.Told[^1].Reason);
        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
    }

    [Fact]
    public void A_closed_circuit_can_be_held_closed_and_let_go_again_without_a_transition()
    {
        var circuit = new Circuit();
        var early = circuit.Enter();

        circuit.Breaker.Close(Minute);
        circuit.Fail(10);
        circuit.Breaker.Record(early, AttemptVerdict.Failure);
        Assert.Empty(circuit.Told);
        circuit.Breaker.Close(ttl: null);
        circuit.Fail();

        Assert.Equal("12 consecutive failures", Assert.Single(circuit.Told).Reason);
    }

    [Fact]
    public void Closed_without_a_ttl_it_opens_by_the_next_rule_that_is_met()
    {
        var circuit = new Circuit();
        circuit.Fail(5);

        circuit.Breaker.Close(ttl: null);
        circuit.Fail(4);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        circuit.Fail();

        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
    }

    [Fact]
    public void Reset_takes_back_what_an_operator_said_and_forgets_what_was_counted()
    {
        var isolated = new Circuit();
        var held = new Circuit();
        var counting = new Circuit();
        isolated.Breaker.Isolate(ttl: null);
        held.Breaker.Close(Minute);
        counting.Fail(4);
        var late = counting.Enter();

        isolated.Breaker.Reset();
        held.Breaker.Reset();
        counting.Breaker.Reset();

        Assert.Equal(CircuitState.Closed, isolated.Breaker.State);
        held.Fail(5);
        Assert.Equal(CircuitState.Open, held.Breaker.State);
        counting.Breaker.Record(late, AttemptVerdict.Failure);
        counting.Fail(4);
        Assert.Empty(counting.Told);
    }

    [Fact]
    public void Reset_takes_the_doubling_back()
    {
        var circuit = new Circuit();
        circuit.OpenAndWait();
        circuit.Fail();

        circuit.Breaker.Reset();
        circuit.Fail(5);

        Assert.Equal(TimeSpan.FromSeconds(5), circuit.Breaker.NextProbeIn);
    }

    [Fact]
    public void A_ttl_of_nothing_is_refused_and_one_without_end_is_taken()
    {
        var circuit = new Circuit();

        Assert.Throws<ArgumentOutOfRangeException>(() => circuit.Breaker.Isolate(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => circuit.Breaker.Close(TimeSpan.FromSeconds(-1)));
        Assert.Empty(circuit.Told);
        circuit.Breaker.Isolate(TimeSpan.MaxValue);

        Assert.False(circuit.Breaker.IsAvailable);
    }

    [Fact]
    public void A_snapshot_tells_the_whole_story()
    {
        var circuit = new Circuit();
        var start = circuit.Time.GetUtcNow();
        Assert.Equal(new(CircuitState.Closed, start, null, 0, 0, 0, TimeSpan.Zero, TimeSpan.Zero, false, null), circuit.Breaker.Snapshot());

        circuit.Succeed(3);
        circuit.Time.Advance(TimeSpan.FromSeconds(1));
        circuit.Fail(5);
        circuit.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(
            new(CircuitState.Open, start + TimeSpan.FromSeconds(1), "5 consecutive failures", 5, 3, 5, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5), false, null),
            circuit.Breaker.Snapshot());
        circuit.Breaker.Isolate(Minute);
        circuit.Time.Advance(TimeSpan.FromSeconds(20));

        var isolatedAt = start + TimeSpan.FromSeconds(3);
        Assert.Equal(
            new(CircuitState.Isolated, isolatedAt, "operator", 0, 0, 5, TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(5), true, isolatedAt + Minute),
            circuit.Breaker.Snapshot());
    }
}
