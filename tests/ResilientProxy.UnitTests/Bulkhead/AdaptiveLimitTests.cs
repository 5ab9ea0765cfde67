using ResilientProxy.Bulkhead;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.Bulkhead;

/// <summary>An upstream with a fixed number of workers, simulated: what comes on top of them waits there, and every answer takes longer.</summary>
public class AdaptiveLimitTests
{
    private const int Workers = 8;
    private const double Work = 0.020;

    private readonly TestSupport.ManualTime _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(10)]
    public void Offered_three_times_its_capacity_the_upstream_stays_busy_and_its_queue_short(int min)
    {
        var limit = new AdaptiveLimit(min, 1000, _time);

        Simulate(limit, offered: 3, seconds: 15);

        Assert.InRange(limit.Limit, Workers, Workers * 4);
    }

    [Fact]
    public void A_lasting_overload_does_not_become_the_new_normal()
    {
        var limit = new AdaptiveLimit(4, 1000, _time);

        Simulate(limit, offered: 3, seconds: 300);

        Assert.InRange(limit.Limit, Workers, Workers * 4);
    }

    [Fact]
    public void A_limit_that_is_not_used_does_not_grow()
    {
        var limit = new AdaptiveLimit(10, 1000, _time);

        Simulate(limit, offered: 0.2, seconds: 30);

        Assert.InRange(limit.Limit, 10, 20);
    }

    [Fact]
    public void Failures_lower_it_and_what_says_nothing_changes_nothing()
    {
        var limit = new AdaptiveLimit(2, 1000, _time);
        Simulate(limit, offered: 3, seconds: 15);
        var before = limit.Limit;

        Feed(limit, AttemptVerdict.Nothing, 1000);
        Assert.Equal(before, limit.Limit);
        Feed(limit, AttemptVerdict.Failure, 1000);
        Assert.Equal(2, limit.Limit);
    }

    [Fact]
    public void An_upstream_that_became_slower_for_good_gets_its_share_again()
    {
        var limit = new AdaptiveLimit(4, 1000, _time);
        Simulate(limit, offered: 3, seconds: 15);

        Simulate(limit, offered: 3, seconds: 60, work: Work * 3);

        Assert.InRange(limit.Limit, Workers, Workers * 4);
    }

    private void Feed(AdaptiveLimit limit, AttemptVerdict verdict, int count)
    {
        for (var i = 0; i < count; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            limit.Learn(TimeSpan.FromMilliseconds(20), verdict, 10, _time.GetTimestamp());
        }
    }

    // In steps of the mean time between two answers: closed by the limit, open by what is offered.
    private void Simulate(AdaptiveLimit limit, double offered, double seconds, double work = Work)
    {
        var random = new Random(7);
        for (var passed = 0.0; passed < seconds;)
        {
            var demand = offered * Workers;
            var inFlight = Math.Max(1, Math.Min(limit.Limit, demand < Workers ? demand : int.MaxValue));
            var latency = work * Math.Max(1, inFlight / Workers) * (0.9 + (0.2 * random.NextDouble()));
            var step = work / Math.Min(inFlight, Workers);
            _time.Advance(TimeSpan.FromSeconds(step));
            limit.Learn(TimeSpan.FromSeconds(latency), AttemptVerdict.Success, (int)inFlight, _time.GetTimestamp());
            passed += step;
        }
    }
}
