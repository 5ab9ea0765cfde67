using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class OpeningTests
{
    [Fact]
    public void The_defaults_are_the_contracts()
    {
        Assert.Equal(
            new CircuitBreakerOptions
            {
                Scope = CircuitBreakerScope.Destination,
                ConsecutiveFailures = 5,
                FailureRatio = 0.5,
                MinimumThroughput = 20,
                SamplingDuration = TimeSpan.FromSeconds(10),
                BreakDuration = TimeSpan.FromSeconds(5),
                MaxBreakDuration = TimeSpan.FromSeconds(60),
            },
            new CircuitBreakerOptions());
    }

    [Fact]
    public void Five_failures_in_a_row_open_it_and_four_do_not()
    {
        var circuit = new Circuit();

        circuit.Fail(4);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        circuit.Fail();

        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
        Assert.False(circuit.Breaker.IsAvailable);
        Assert.False(circuit.Breaker.TryEnter(out _));
        Assert.Equal([new(CircuitState.Closed, CircuitState.Open, "5 consecutive failures")], circuit.Told);
    }

    [Fact]
    public void A_success_in_between_begins_the_count_anew()
    {
        var circuit = new Circuit();

        circuit.Fail(4);
        circuit.Succeed();
        circuit.Fail(4);

        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
    }

    [Fact]
    public void An_attempt_that_says_nothing_is_no_failure_and_ends_no_row()
    {
        var circuit = new Circuit();

        circuit.Fail(4);
        circuit.Attempt(AttemptVerdict.Nothing, times: 50);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        circuit.Fail();

        Assert.Equal(CircuitState.Open, circuit.Breaker.State);
        Assert.Equal(5, circuit.Breaker.Snapshot().FailuresInWindow);
    }

    [Fact]
    public void Half_of_the_attempts_failing_opens_it_once_there_are_enough_of_them()
    {
        var circuit = new Circuit();

        for (var i = 0; i < 9; i++)
        {
            circuit.Succeed();
            circuit.Fail();
        }

        circuit.Succeed();
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        circuit.Fail();

        Assert.Equal([new(CircuitState.Closed, CircuitState.Open, "50 % of 20 attempts failed in 10s")], circuit.Told);
    }

    [Fact]
    public void Fewer_failures_than_the_ratio_never_open_it()
    {
        var circuit = new Circuit();

        for (var i = 0; i < 1000; i++)
        {
            circuit.Succeed(2);
            circuit.Fail();
        }

        Assert.Empty(circuit.Told);
    }

    [Fact]
    public void A_ratio_that_no_binary_fraction_hits_is_reached_all_the_same()
    {
        var circuit = new Circuit(new() { ConsecutiveFailures = 0, FailureRatio = 0.07, MinimumThroughput = 100 });

        circuit.Succeed(93);
        circuit.Fail(7);

        Assert.Equal("7 % of 100 attempts failed in 10s", Assert.Single(circuit.Told).Reason);
    }

    [Fact]
    public void What_failed_longer_ago_than_the_sampling_time_does_not_count()
    {
        var circuit = new Circuit(new() { ConsecutiveFailures = 0 });

        circuit.Fail(19);
        circuit.Time.Advance(TimeSpan.FromSeconds(10));
        circuit.Fail(19);
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        circuit.Time.Advance(TimeSpan.FromSeconds(8));
        circuit.Fail();

        Assert.Equal("100 % of 20 attempts failed in 10s", Assert.Single(circuit.Told).Reason);
    }

    [Fact]
    public void A_rule_set_to_0_is_not_looked_at()
    {
        var noRow = new Circuit(new() { ConsecutiveFailures = 0, MinimumThroughput = 1000 });
        var noRatio = new Circuit(new() { FailureRatio = 0, MinimumThroughput = 1 });
        var neither = new Circuit(new() { ConsecutiveFailures = 0, FailureRatio = 0, MinimumThroughput = 1 });

        noRow.Fail(999);
        noRatio.Fail(4);
        noRatio.Succeed();
        noRatio.Fail(4);
        neither.Fail(5000);

        Assert.Empty(noRow.Told);
        Assert.Empty(noRatio.Told);
        Assert.Empty(neither.Told);
    }

    [Fact]
    public void A_destination_that_did_not_fail_before_is_judged_by_the_plain_number_however_many_the_successes()
    {
        var circuit = new Circuit();

        circuit.Succeed(1000);
        circuit.Fail(5);

        Assert.Equal("5 consecutive failures", Assert.Single(circuit.Told).Reason);
    }

    [Fact]
    public void Without_the_ratio_the_row_means_its_plain_number()
    {
        var circuit = new Circuit(new() { FailureRatio = 0 });

        circuit.Succeed(20);
        circuit.Fail(4);
        circuit.Succeed();
        circuit.Fail(5);

        Assert.Equal("5 consecutive failures", Assert.Single(circuit.Told).Reason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void One_random_failure_in_ten_at_three_destinations_opens_a_circuit_by_a_row_of_five_once_in_a_hundred_thousand_and_never_by_ratio(int seed)
    {
        var random = new Random(seed);
        var group = new CircuitGroup();
        var first = new Circuit(group: group);
        Circuit[] circuits = [first, new Circuit(group: group, time: first.Time), new Circuit(group: group, time: first.Time)];

        for (var i = 0; i < 100_000; i++)
        {
            first.Time.Advance(TimeSpan.FromMilliseconds(1));
            var circuit = circuits[random.Next(3)];
            var verdict = random.NextDouble() < 0.1 ? AttemptVerdict.Failure : AttemptVerdict.Success;
            if (circuit.Breaker.TryEnter(out var pass))
            {
                circuit.Breaker.Record(pass, verdict);
            }
        }

        var opened = circuits.SelectMany(circuit => circuit.Told).Where(transition => transition.To == CircuitState.Open).ToArray();
        Assert.InRange(opened.Length, 0, 5);
        Assert.All(opened, transition => Assert.Equal("5 consecutive failures", transition.Reason));
    }

    [Fact]
    public void A_failure_that_comes_late_does_not_open_a_circuit_that_has_closed_again()
    {
        var circuit = new Circuit();
        var late = Enumerable.Range(0, 50).Select(_ => circuit.Enter()).ToList();
        circuit.OpenAndWait();
        circuit.Succeed();
        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);

        late.ForEach(pass => circuit.Breaker.Record(pass, AttemptVerdict.Failure));

        Assert.Equal(CircuitState.Closed, circuit.Breaker.State);
        Assert.Equal(0, circuit.Breaker.Snapshot().FailuresInWindow);
    }

    [Fact]
    public void A_failure_that_arrives_while_another_one_opens_the_circuit_comes_late_too()
    {
        // The jitter is drawn under the circuit's lock: a second failure is held there until it waits for that lock.
        Thread? second = null;
        var waits = false;
        var circuit = new Circuit(new() { ConsecutiveFailures = 1 }, random: () =>
        {
            if (!waits)
            {
                second!.Start();
                waits = SpinWait.SpinUntil(() => second.ThreadState.HasFlag(ThreadState.WaitSleepJoin), TimeSpan.FromSeconds(20));
            }

            return 0.5;
        });
        var breaker = circuit.Breaker;
        var late = circuit.Enter();
        second = new Thread(() => breaker.Record(late, AttemptVerdict.Failure));

        circuit.Fail();
        second.Join();

        Assert.True(waits);
        Assert.Equal(1, breaker.Snapshot().ConsecutiveFailures);
        Assert.Equal(TimeSpan.FromSeconds(5), breaker.NextProbeIn);
    }

    [Fact]
    public void The_default_pass_is_no_pass()
    {
        var circuit = new Circuit(new() { ConsecutiveFailures = 1 });

        circuit.Breaker.Record(default, AttemptVerdict.Failure);

        Assert.Empty(circuit.Told);
    }

    [Fact]
    public void A_success_in_a_closed_circuit_allocates_nothing()
    {
        var circuit = new Circuit();
        circuit.Succeed(1000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            circuit.Breaker.TryEnter(out var pass);
            circuit.Breaker.Record(pass, AttemptVerdict.Success);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
