using ResilientProxy.Retry;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.Retry;

public class RetryBudgetTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void It_lends_the_floor_each_second_and_the_share_of_the_last_ten_seconds_on_top()
    {
        var budget = new RetryBudget(new() { Ratio = 0.2, MinRetriesPerSecond = 10 }, _time);
        Arrive(budget, 100);

        Assert.Equal(30, TakeAll(budget));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, TakeAll(budget));
        _time.Advance(TimeSpan.FromSeconds(11));
        Arrive(budget, 10);

        Assert.Equal(12, TakeAll(budget));
    }

    [Fact]
    public void What_was_lent_counts_for_ten_whole_seconds_wherever_in_a_second_it_was()
    {
        var budget = new RetryBudget(new() { Ratio = 0.2, MinRetriesPerSecond = 0 }, _time);
        Arrive(budget, 100);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(20, TakeAll(budget));

        _time.Advance(TimeSpan.FromSeconds(9.2));
        Arrive(budget, 100);

        Assert.Equal(0, TakeAll(budget));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(20, TakeAll(budget));
    }

    [Fact]
    public void Without_a_floor_only_the_share_is_lent()
    {
        var budget = new RetryBudget(new() { Ratio = 0.1, MinRetriesPerSecond = 0 }, _time);

        Assert.False(budget.TryTake());
        Arrive(budget, 50);

        Assert.Equal(5, TakeAll(budget));
    }

    [Fact]
    public void Without_a_share_only_the_floor_is_lent()
    {
        var budget = new RetryBudget(new() { Ratio = 0, MinRetriesPerSecond = 3 }, _time);
        Arrive(budget, 1000);

        Assert.Equal(3, TakeAll(budget));
    }

    [Fact]
    public async Task Many_at_the_same_time_get_what_one_would_get()
    {
        var budget = new RetryBudget(new() { Ratio = 0, MinRetriesPerSecond = 1000 }, _time);

        var taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => TakeAll(budget))));

        Assert.Equal(1000, taken.Sum());
    }

    private static void Arrive(RetryBudget budget, int requests)
    {
        for (var i = 0; i < requests; i++)
        {
            budget.RequestStarted();
        }
    }

    private static int TakeAll(RetryBudget budget)
    {
        var taken = 0;
        while (budget.TryTake())
        {
            taken++;
        }

        return taken;
    }
}
