using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class GroupTests
{
    private static readonly CircuitBreakerOptions ByRatioOnly = new() { ConsecutiveFailures = 0 };

    private readonly CircuitGroup _group = new();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(5, 2)]
    public void The_ratio_opens_at_most_half_of_the_circuits_and_never_the_last(int members, int open)
    {
        var circuits = Members(members);

        for (var i = 0; i < 200; i++)
        {
            foreach (var circuit in circuits.Where(circuit => circuit.Breaker.State == CircuitState.Closed))
            {
                circuit.Fail();
            }
        }

        Assert.Equal(open, circuits.Count(circuit => circuit.Breaker.State == CircuitState.Open));
        Assert.Equal(members - open, circuits.Count(circuit => circuit.Breaker.State == CircuitState.Closed));
    }

    [Fact]
    public void Failures_in_a_row_open_all_of_them()
    {
        var circuits = Members(3, new());

        Assert.All(circuits, circuit => circuit.Fail(5));

        Assert.All(circuits, circuit => Assert.Equal(CircuitState.Open, circuit.Breaker.State));
    }

    [Fact]
    public void What_is_open_by_failures_in_a_row_or_isolated_or_half_open_counts_as_out()
    {
        var byRow = new Circuit(group: _group);
        var isolated = new Circuit(group: _group, time: byRow.Time);
        var halfOpen = new Circuit(group: _group, time: byRow.Time);
        var byRatio = new Circuit(ByRatioOnly, _group, byRow.Time);
        var closed = Members(3, time: byRow.Time);
        halfOpen.OpenAndWait();
        halfOpen.Enter();
        byRow.Fail(5);

        byRatio.Fail(20);
        Assert.Equal(CircuitState.Open, byRatio.Breaker.State);
        byRatio.Breaker.Reset();
        isolated.Breaker.Isolate(ttl: null);
        byRatio.Fail(20);

        Assert.Equal(CircuitState.Closed, byRatio.Breaker.State);
        Assert.Equal(7, _group.Count);
        Assert.All(closed, circuit => Assert.Equal(CircuitState.Closed, circuit.Breaker.State));
    }

    [Fact]
    public void A_circuit_that_was_not_allowed_to_open_tries_again_at_the_next_failure()
    {
        var circuits = Members(2);
        circuits[0].Fail(20);
        circuits[1].Fail(30);
        Assert.Equal(CircuitState.Closed, circuits[1].Breaker.State);

        circuits[0].Breaker.Close(ttl: null);
        Assert.Equal(CircuitState.Closed, circuits[1].Breaker.State);
        circuits[1].Fail();

        Assert.Equal("100 % of 31 attempts failed in 10s", Assert.Single(circuits[1].Told).Reason);
    }

    [Fact]
    public void A_circuit_whose_isolation_has_ended_counts_as_closed_before_anybody_used_it()
    {
        var circuits = Members(2);
        circuits[0].Breaker.Isolate(TimeSpan.FromSeconds(1));
        circuits[0].Time.Advance(TimeSpan.FromSeconds(1));

        circuits[1].Fail(20);

        Assert.Equal(CircuitState.Open, circuits[1].Breaker.State);
    }

    [Fact]
    public void Destinations_that_come_and_leave_change_what_half_is()
    {
        var circuits = Members(4);
        circuits[0].Fail(20);

        Assert.True(_group.Remove(circuits[2].Breaker));
        Assert.False(_group.Remove(circuits[2].Breaker));
        circuits[1].Fail(20);
        Assert.Equal(CircuitState.Closed, circuits[1].Breaker.State);
        _group.Add(circuits[2].Breaker);
        _group.Add(circuits[2].Breaker);
        circuits[1].Fail();

        Assert.Equal(4, _group.Count);
        Assert.Equal(CircuitState.Open, circuits[1].Breaker.State);
    }

    [Fact]
    public void A_circuit_for_more_than_one_destination_is_not_limited()
    {
        var circuit = new Circuit(ByRatioOnly);

        circuit.Fail(20);

        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
    }

    [Fact]
    public async Task Two_that_reach_the_ratio_at_the_same_time_do_not_both_open()
    {
        for (var round = 0; round < 200; round++)
        {
            var group = new CircuitGroup();
            var first = new Circuit(ByRatioOnly, group);
            var second = new Circuit(ByRatioOnly, group, first.Time);
            first.Fail(19);
            second.Fail(19);
            var passes = (First: first.Enter(), Second: second.Enter());
            using var start = new Barrier(2);

            await Task.WhenAll(
                Task.Run(() => RecordTogether(start, first, passes.First)),
                Task.Run(() => RecordTogether(start, second, passes.Second)));

            Assert.NotEqual(first.Breaker.State, second.Breaker.State);
        }
    }

    private static void RecordTogether(Barrier start, Circuit circuit, CircuitPass pass)
    {
        start.SignalAndWait();
        circuit.Breaker.Record(pass, AttemptVerdict.Failure);
    }

    private List<Circuit> Members(int count, CircuitBreakerOptions? options = null, TestSupport.ManualTime? time = null)
    {
        time ??= new();
        return [.. Enumerable.Range(0, count).Select(_ => new Circuit(options ?? ByRatioOnly, _group, time))];
    }
}
