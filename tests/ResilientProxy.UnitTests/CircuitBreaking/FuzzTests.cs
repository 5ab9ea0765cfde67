using System.Collections.Concurrent;
using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class FuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Random_sequences_never_throw_never_let_two_probes_in_and_tell_every_step(int seed)
    {
        var random = new Random(seed);
        for (var run = 0; run < 40; run++)
        {
            var group = new CircuitGroup();
            var first = new Circuit(RandomOptions(random), group, random: random.NextDouble);
            var circuit = random.Next(2) == 0 ? first : new Circuit(RandomOptions(random), group, first.Time, random.NextDouble);
            var underWay = new List<CircuitPass>();
            for (var step = 0; step < 500; step++)
            {
                Step(random, circuit, underWay);
                Check(circuit, underWay);
            }

            AssertChain(circuit.Told, circuit.Breaker.State);
        }
    }

    [Fact]
    public async Task Transitions_are_told_in_order_by_one_thread_at_a_time_whatever_the_threads_do()
    {
        var told = new ConcurrentQueue<CircuitTransition>();
        var telling = 0;
        var overlaps = 0;
        var time = new ManualTime();
        var breaker = new CircuitBreaker(
            new() { ConsecutiveFailures = 1, BreakDuration = TimeSpan.FromMilliseconds(10), MaxBreakDuration = TimeSpan.FromMilliseconds(10) },
            CircuitGroup.Unlimited,
            time,
            (_, transition) =>
            {
                overlaps += Interlocked.Increment(ref telling) - 1;
                told.Enqueue(transition);
                Interlocked.Decrement(ref telling);
            });
        var probes = 0;
        var twoProbes = 0;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 20_000; i++)
            {
                if (random.Next(4) == 0)
                {
                    time.Advance(TimeSpan.FromMilliseconds(5));
                }

                if (!breaker.TryEnter(out var pass))
                {
                    continue;
                }

                // Nobody isolates or resets here: a probe ends only by its own record.
                if (pass.IsProbe)
                {
                    twoProbes += Interlocked.Increment(ref probes) - 1;
                    Thread.Yield();
                    Interlocked.Decrement(ref probes);
                }

                breaker.Record(pass, (AttemptVerdict)random.Next(3));
            }
        })));

        Assert.Equal(0, twoProbes);
        Assert.Equal(0, overlaps);
        AssertChain([.. told], breaker.State);
        Assert.True(told.Count > 100, $"only {told.Count} transitions");
    }

    [Fact]
    public void Whoever_is_told_may_look_at_the_circuit_and_change_it()
    {
        var told = new List<CircuitTransition>();
        var breaker = new CircuitBreaker(new() { ConsecutiveFailures = 1 }, CircuitGroup.Unlimited, new ManualTime(), (circuit, transition) =>
        {
            told.Add(transition);
            if (transition.To == CircuitState.Open)
            {
                Assert.Equal(CircuitState.Open, circuit.Snapshot().State);
                circuit.Close(ttl: null);
                Assert.Single(told);
            }
        });

        breaker.TryEnter(out var pass);
        breaker.Record(pass, AttemptVerdict.Failure);

        AssertChain(told, CircuitState.Closed);
        Assert.Equal(2, told.Count);
    }

    [Fact]
    public void A_listener_that_throws_does_not_keep_the_next_transition_from_being_told()
    {
        var told = new List<CircuitState>();
        var breaker = new CircuitBreaker(new(), CircuitGroup.Unlimited, new ManualTime(), (_, transition) =>
        {
            told.Add(transition.To);
            throw new InvalidOperationException("listener");
        });

        Assert.Throws<InvalidOperationException>(() => breaker.Isolate(ttl: null));
        Assert.Throws<InvalidOperationException>(breaker.Reset);

        Assert.Equal([CircuitState.Isolated, CircuitState.Closed], told);
    }

    private static void Step(Random random, Circuit circuit, List<CircuitPass> underWay)
    {
        switch (random.Next(24))
        {
            case 0:
                circuit.Breaker.Isolate(random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.Next(1, 5000)));
                break;
            case 1:
                circuit.Breaker.Close(random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.Next(1, 5000)));
                break;
            case 2:
                circuit.Breaker.Reset();
                break;
            case 3:
                circuit.Breaker.Snapshot();
                break;
            case < 8:
                circuit.Time.Advance(TimeSpan.FromMilliseconds(random.Next(3000)));
                break;
            case < 15:
                var expected = circuit.Breaker.IsAvailable;
                Assert.Equal(expected, circuit.Breaker.TryEnter(out var pass));
                if (expected)
                {
                    underWay.Add(pass);
                }

                break;
            default:
                if (underWay.Count > 0)
                {
                    var index = random.Next(underWay.Count);
                    circuit.Breaker.Record(underWay[index], (AttemptVerdict)random.Next(3));
                    underWay.RemoveAt(index);
                }

                break;
        }
    }

    private static void Check(Circuit circuit, List<CircuitPass> underWay)
    {
        var probesOfOneGeneration = underWay.Where(pass => pass.IsProbe).GroupBy(pass => pass.Generation);
        Assert.All(probesOfOneGeneration, probes => Assert.Single(probes));
        Assert.Equal(circuit.Breaker.IsAvailable, circuit.Breaker.NextProbeIn == TimeSpan.Zero);
        Assert.InRange(circuit.Breaker.Snapshot().BreakDuration, TimeSpan.Zero, circuit.Breaker.Options.MaxBreakDuration);
        Assert.Equal(circuit.Breaker.State, circuit.Told.Count == 0 ? CircuitState.Closed : circuit.Told[^1].To);
    }

    private static void AssertChain(List<CircuitTransition> told, CircuitState last)
    {
        var state = CircuitState.Closed;
        foreach (var transition in told)
        {
            Assert.Equal(state, transition.From);
            Assert.NotEqual(state, transition.To);
            state = transition.To;
        }

        Assert.Equal(last, state);
    }

    private static CircuitBreakerOptions RandomOptions(Random random) => new()
    {
        ConsecutiveFailures = random.Next(5),
        FailureRatio = random.Next(3) / 2.0,
        MinimumThroughput = random.Next(1, 10),
        SamplingDuration = TimeSpan.FromMilliseconds(random.Next(500, 5000)),
        BreakDuration = TimeSpan.FromMilliseconds(random.Next(10, 2000)),
        MaxBreakDuration = TimeSpan.FromMilliseconds(random.Next(2000, 10_000)),
    };
}
