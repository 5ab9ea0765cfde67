using ResilientProxy.LoadBalancing;

namespace ResilientProxy.UnitTests.LoadBalancing;

public class DestinationSelectorTests
{
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(10);

    private readonly TestSupport.ManualTime _time = new();

    [Theory]
    [InlineData("Random", 0.02)]
    [InlineData("RoundRobin", 0.002)]
    [InlineData("LeastRequests", 0.02)]
    [InlineData("PowerOfTwoChoices", 0.02)]
    [InlineData("PeakEwma", 0.02)]
    public void An_idle_cluster_gets_exactly_the_shares_of_its_weights(string policy, double tolerance)
    {
        var loads = Loads(1, 2, 7);

        var shares = Shares(policy, loads, requests: 20_000, concurrency: 1);

        Assert.All(shares.Zip([0.1, 0.2, 0.7]), pair => Assert.Equal(pair.Second, pair.First, tolerance));
    }

    [Theory]
    [InlineData("Random", 0.02)]
    [InlineData("RoundRobin", 0.002)]
    [InlineData("LeastRequests", 0.02)]
    [InlineData("PowerOfTwoChoices", 0.03)]
    [InlineData("PeakEwma", 0.03)]
    public void A_busy_cluster_is_loaded_by_its_weights(string policy, double tolerance)
    {
        var loads = Loads(1, 2, 7);

        var shares = Shares(policy, loads, requests: 20_000, concurrency: 60);

        Assert.All(shares.Zip([0.1, 0.2, 0.7]), pair => Assert.Equal(pair.Second, pair.First, tolerance));
    }

    [Theory]
    [MemberData(nameof(PolicyNames))]
    public void Weight_0_gets_nothing_while_there_is_another_and_everything_where_there_is_none(string policy)
    {
        var loads = Loads(0, 0, 1);

        Assert.Equal([0, 0, 1], Shares(policy, loads, requests: 500, concurrency: 4));

        var spare = Loads(0, 0);
        Assert.InRange(Shares(policy, spare, requests: 500, concurrency: 4).Sum(), 0.999, 1.001);
    }

    [Theory]
    [InlineData("Random")]
    [InlineData("RoundRobin")]
    [InlineData("LeastRequests")]
    [InlineData("PowerOfTwoChoices")]
    [InlineData("PeakEwma")]
    public void A_recovered_destination_gets_a_share_that_grows(string policy)
    {
        var loads = Loads(1, 1);
        loads[1].BeginSlowStart(TimeSpan.FromSeconds(10), _time.GetTimestamp());

        var atFirst = Shares(policy, loads, requests: 4000, concurrency: 1)[1];
        _time.Advance(TimeSpan.FromSeconds(5));
        var halfway = Shares(policy, loads, requests: 4000, concurrency: 1)[1];
        _time.Advance(TimeSpan.FromSeconds(5));
        var atLast = Shares(policy, loads, requests: 4000, concurrency: 1)[1];

        Assert.Equal(0.1 / 1.1, atFirst, 0.03);
        Assert.Equal(0.55 / 1.55, halfway, 0.03);
        Assert.Equal(0.5, atLast, 0.03);
        Assert.True(loads[1].IsPlain);
    }

    [Fact]
    public void Round_robin_spreads_the_turns_of_a_heavy_destination()
    {
        var loads = Loads(1, 1, 2);
        var selector = new DestinationSelector("RoundRobin", _time);

        var turns = Enumerable.Range(0, 200).Select(_ => selector.Pick(loads)).ToArray();

        var longest = turns.Aggregate((Run: 0, Longest: 0), (at, turn) => (turn == 2 ? at.Run + 1 : 0, Math.Max(at.Longest, turn == 2 ? at.Run + 1 : 0))).Longest;
        Assert.InRange(longest, 1, 2);
    }

    [Fact]
    public void Round_robin_among_equals_takes_them_in_turn()
    {
        var selector = new DestinationSelector("RoundRobin", _time);
        var loads = Loads(1, 1, 1);

        Assert.Equal([0, 1, 2, 0, 1, 2], Enumerable.Range(0, 6).Select(_ => selector.Pick(loads)));
    }

    [Fact]
    public void Between_two_equals_the_one_with_fewer_attempts_in_flight_is_taken_retries_included()
    {
        var selector = new DestinationSelector("PowerOfTwoChoices", _time);
        var loads = Loads(1, 1);
        loads[0].TryBegin(int.MaxValue); // a first attempt
        loads[0].TryBegin(int.MaxValue); // and a retry beside it
        loads[1].TryBegin(int.MaxValue);

        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(1, selector.Pick(loads)));
    }

    [Fact]
    public void Peak_ewma_leaves_a_destination_that_is_twenty_times_slower_and_comes_back_when_it_has_recovered()
    {
        var loads = Loads(1, 1, 1);
        var selector = new DestinationSelector("PeakEwma", _time, new Random(7));

        Simulate(selector, loads, TimeSpan.FromSeconds(3), index => index == 2 ? 20 * Quick : Quick);
        var slow = Simulate(selector, loads, TimeSpan.FromSeconds(10), index => index == 2 ? 20 * Quick : Quick)[2];
        Simulate(selector, loads, TimeSpan.FromSeconds(8), _ => Quick);
        var recovered = Simulate(selector, loads, TimeSpan.FromSeconds(10), _ => Quick)[2];

        Assert.InRange(slow, 0, 0.02);
        Assert.InRange(recovered, 0.2, 0.45);
    }

    [Fact]
    public void Peak_ewma_notices_within_three_seconds_that_a_destination_becomes_slow()
    {
        var loads = Loads(1, 1, 1);
        var selector = new DestinationSelector("PeakEwma", _time, new Random(11));
        Simulate(selector, loads, TimeSpan.FromSeconds(20), _ => Quick);

        var share = Simulate(selector, loads, TimeSpan.FromSeconds(3), index => index == 2 ? 20 * Quick : Quick)[2];

        Assert.InRange(share, 0, 0.02);
    }

    [Fact]
    public void Peak_ewma_leaves_a_slow_destination_although_weights_differ()
    {
        var loads = Loads(1, 1, 2);
        var selector = new DestinationSelector("PeakEwma", _time, new Random(5));

        Simulate(selector, loads, TimeSpan.FromSeconds(3), index => index == 2 ? 20 * Quick : Quick);
        var slow = Simulate(selector, loads, TimeSpan.FromSeconds(10), index => index == 2 ? 20 * Quick : Quick)[2];

        Assert.InRange(slow, 0, 0.02);
    }

    [Fact]
    public void Peak_ewma_tries_a_new_destination_with_one_attempt_until_it_has_answered()
    {
        var loads = Loads(1, 1);
        loads[0].Record(Quick, _time.GetTimestamp());
        var selector = new DestinationSelector("PeakEwma", _time, new Random(3));

        Assert.Equal(1, selector.Pick(loads));
        loads[1].TryBegin(int.MaxValue);
        Assert.Equal(0, selector.Pick(loads));
    }

    [Fact]
    public void A_quick_failure_does_not_make_a_destination_attractive()
    {
        var loads = Loads(1, 1);
        loads[0].Record(Quick, _time.GetTimestamp());
        loads[1].RecordFailure(TimeSpan.FromMilliseconds(1), _time.GetTimestamp());
        loads[1].RecordFailure(TimeSpan.FromMilliseconds(1), _time.GetTimestamp());
        var selector = new DestinationSelector("PeakEwma", _time, new Random(3));

        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(0, selector.Pick(loads)));
    }

    [Fact]
    public void An_estimate_jumps_up_at_once_and_falls_slowly()
    {
        var load = Loads(1)[0];
        load.Record(TimeSpan.FromMilliseconds(10), _time.GetTimestamp());
        load.Record(TimeSpan.FromMilliseconds(500), _time.GetTimestamp());
        Assert.Equal(0.5, load.Latency(_time.GetTimestamp()), 0.001);

        _time.Advance(TimeSpan.FromMilliseconds(200));
        load.Record(TimeSpan.FromMilliseconds(10), _time.GetTimestamp());
        Assert.InRange(load.Latency(_time.GetTimestamp()), 0.4, 0.5);

        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.InRange(load.Latency(_time.GetTimestamp()), 0.01, 0.03);
    }

    [Theory]
    [MemberData(nameof(PolicyNames))]
    public void No_pick_allocates(string policy)
    {
        var selector = new DestinationSelector(policy, _time);
        var plain = Loads(1, 1, 1);
        var weighted = Loads(1, 2, 7);
        selector.Pick(plain);
        selector.Pick(weighted);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            selector.Pick(plain);
            selector.Pick(weighted);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    public static TheoryData<string> PolicyNames() => [.. DestinationSelector.PolicyNames.Order(StringComparer.Ordinal)];

    private DestinationLoad[] Loads(params int[] weights) => [.. weights.Select(weight => new DestinationLoad(_time) { Weight = weight })];

    // Requests one after the other with so many in flight; the oldest ends first. The clock stands.
    private double[] Shares(string policy, DestinationLoad[] loads, int requests, int concurrency)
    {
        var selector = new DestinationSelector(policy, _time, new Random(42));
        var inFlight = new Queue<DestinationLoad>();
        var counts = new int[loads.Length];
        for (var i = 0; i < requests; i++)
        {
            if (inFlight.Count == concurrency)
            {
                var ended = inFlight.Dequeue();
                ended.Record(Quick, _time.GetTimestamp());
                ended.End();
            }

            var pick = selector.Pick(loads);
            counts[pick]++;
            loads[pick].TryBegin(int.MaxValue);
            inFlight.Enqueue(loads[pick]);
        }

        foreach (var load in inFlight)
        {
            load.End();
        }

        return [.. counts.Select(count => (double)count / requests)];
    }

    // 200 requests a second, each as long as its destination takes.
    private double[] Simulate(DestinationSelector selector, DestinationLoad[] loads, TimeSpan span, Func<int, TimeSpan> latency)
    {
        var step = TimeSpan.FromMilliseconds(5);
        var ends = new PriorityQueue<int, long>();
        var counts = new int[loads.Length];
        var total = 0;
        for (var passed = TimeSpan.Zero; passed < span; passed += step)
        {
            _time.Advance(step);
            End(_time.GetTimestamp());
            var pick = selector.Pick(loads);
            counts[pick]++;
            total++;
            loads[pick].TryBegin(int.MaxValue);
            ends.Enqueue(pick, _time.GetTimestamp() + latency(pick).Ticks);
        }

        End(long.MaxValue);
        return [.. counts.Select(count => (double)count / total)];

        void End(long until)
        {
            while (ends.TryPeek(out var index, out var due) && due <= until)
            {
                ends.Dequeue();
                loads[index].Record(latency(index), Math.Min(due, _time.GetTimestamp()));
                loads[index].End();
            }
        }
    }
}
