using ResilientProxy.TestSupport;
using ResilientProxy.Timeouts;

namespace ResilientProxy.UnitTests.Timeouts;

public class TimerSweepTests
{
    [Fact]
    public void A_timer_fires_once_and_at_most_one_resolution_late()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        var timer = new Probe();
        timer.SetDue(sweep.DueIn(TimeSpan.FromMilliseconds(95)));
        sweep.Add(timer);

        time.Advance(TimeSpan.FromMilliseconds(94));
        Assert.Equal(0, timer.Fired);
        time.Advance(TimeSpan.FromMilliseconds(1) + TimerSweep.Resolution);
        Assert.Equal(1, timer.Fired);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, timer.Fired);
    }

    [Fact]
    public void A_timer_that_is_moved_fires_at_its_new_time_earlier_or_later()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        var later = new Probe();
        var earlier = new Probe();
        later.SetDue(sweep.DueIn(TimeSpan.FromSeconds(1)));
        earlier.SetDue(sweep.DueIn(TimeSpan.FromHours(1)));
        sweep.Add(later);
        sweep.Add(earlier);

        later.SetDue(sweep.DueIn(TimeSpan.FromSeconds(5)));
        earlier.SetDue(sweep.DueIn(TimeSpan.FromSeconds(2)));
        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal((0, 1), (later.Fired, earlier.Fired));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal((1, 1), (later.Fired, earlier.Fired));
    }

    [Fact]
    public void A_timer_that_was_removed_or_never_due_does_not_fire()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        var removed = new Probe();
        var never = new Probe();
        removed.SetDue(sweep.DueIn(TimeSpan.FromSeconds(1)));
        never.SetDue(sweep.DueIn(Timeout.InfiniteTimeSpan));
        sweep.Add(removed);
        sweep.Add(never);

        Assert.True(TimerSweep.Remove(removed));
        time.Advance(TimeSpan.FromDays(1));

        Assert.Equal((0, 0), (removed.Fired, never.Fired));
        Assert.True(TimerSweep.Remove(removed));
    }

    [Fact]
    public void A_timer_that_fired_says_so_when_it_is_removed()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        var timer = new Probe();
        timer.SetDue(sweep.DueIn(TimeSpan.FromSeconds(1)));
        sweep.Add(timer);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.False(TimerSweep.Remove(timer));
    }

    [Fact]
    public void It_sleeps_until_something_may_be_due()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, time.Fired);

        var timer = new Probe();
        timer.SetDue(sweep.DueIn(TimeSpan.FromSeconds(30)));
        sweep.Add(timer);
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(0, time.Fired);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal((1, 1), (timer.Fired, time.Fired));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, time.Fired);
    }

    [Fact]
    public void A_timer_added_while_another_one_fires_fires_too()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        var second = new Probe();
        var first = new Probe(() =>
        {
            second.SetDue(sweep.DueIn(TimeSpan.FromMilliseconds(50)));
            sweep.Add(second);
        });
        first.SetDue(sweep.DueIn(TimeSpan.FromSeconds(1)));
        sweep.Add(first);

        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal((1, 1), (first.Fired, second.Fired));
    }

    [Fact]
    public void A_timer_due_in_years_is_waited_for()
    {
        var time = new ManualTime();
        using var sweep = new TimerSweep(time);
        var timer = new Probe();
        timer.SetDue(sweep.DueIn(TimeSpan.FromDays(100)));
        sweep.Add(timer);

        time.Advance(TimeSpan.FromDays(99));
        Assert.Equal(0, timer.Fired);
        time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(1, timer.Fired);
    }

    private sealed class Probe(Action? onDue = null) : SweepTimer
    {
        public int Fired { get; private set; }

        protected override void OnDue()
        {
            Fired++;
            onDue?.Invoke();
        }
    }
}
