using ResilientProxy.Hedging;

namespace ResilientProxy.UnitTests.Hedging;

public class LatencyEstimateTests
{
    private readonly TestSupport.ManualTime _time = new();

    [Theory]
    [InlineData(50, 50)]
    [InlineData(95, 95)]
    [InlineData(99, 99)]
    public void A_percentile_is_within_an_eighth_of_the_truth(int percentile, int expectedMilliseconds)
    {
        var estimate = new LatencyEstimate(_time);
        for (var milliseconds = 1; milliseconds <= 100; milliseconds++)
        {
            estimate.Record(TimeSpan.FromMilliseconds(milliseconds));
        }

        Assert.InRange(estimate.Percentile(percentile)!.Value.TotalMilliseconds, expectedMilliseconds, expectedMilliseconds * 1.13);
    }

    [Fact]
    public void Too_few_answers_say_nothing()
    {
        var estimate = new LatencyEstimate(_time);
        for (var i = 0; i < LatencyEstimate.FewestSamples - 1; i++)
        {
            estimate.Record(TimeSpan.FromMilliseconds(10));
        }

        Assert.Null(estimate.Percentile(95));
        estimate.Record(TimeSpan.FromMilliseconds(10));
        Assert.NotNull(estimate.Percentile(95));
    }

    [Fact]
    public void What_is_older_than_twenty_seconds_is_forgotten()
    {
        var estimate = new LatencyEstimate(_time);
        for (var i = 0; i < 100; i++)
        {
            estimate.Record(TimeSpan.FromSeconds(1));
        }

        _time.Advance(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 100; i++)
        {
            estimate.Record(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(estimate.Percentile(99)!.Value.TotalMilliseconds, 10, 11.5);
    }

    [Fact]
    public void Times_beyond_the_scale_count_at_its_ends()
    {
        var estimate = new LatencyEstimate(_time);
        for (var i = 0; i < 100; i++)
        {
            estimate.Record(i < 50 ? TimeSpan.Zero : TimeSpan.FromDays(1));
        }

        Assert.True(estimate.Percentile(40) < TimeSpan.FromMicroseconds(20));
        Assert.True(estimate.Percentile(99) > TimeSpan.FromMinutes(10));
    }

    [Fact]
    public void The_delay_of_a_policy_follows_the_percentile_and_never_falls_below_its_floor()
    {
        var policy = new HedgingPolicy(new HedgingOptions(), _time);
        Assert.Null(policy.Delay);
        for (var i = 0; i < 100; i++)
        {
            policy.Answered(TimeSpan.FromMilliseconds(1));
        }

        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(HedgingDelay.Floor, policy.Delay);
        for (var i = 0; i < 100; i++)
        {
            policy.Answered(TimeSpan.FromMilliseconds(80));
        }

        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.InRange(policy.Delay!.Value.TotalMilliseconds, 80, 90);
    }

    [Theory]
    [InlineData("p95", true)]
    [InlineData("P50", true)]
    [InlineData("p49", false)]
    [InlineData("p100", false)]
    [InlineData("p", false)]
    [InlineData("50ms", true)]
    [InlineData("4ms", false)]
    [InlineData("2h", false)]
    [InlineData("-5ms", false)]
    public void A_delay_is_a_duration_or_a_percentile(string text, bool isOne)
    {
        Assert.Equal(isOne, HedgingDelay.TryParse(text, null, out var delay));
        if (isOne)
        {
            Assert.True(HedgingDelay.TryParse(delay.ToString(), null, out var again));
            Assert.Equal(delay, again);
        }
    }
}
