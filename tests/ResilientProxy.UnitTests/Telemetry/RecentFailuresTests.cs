using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Telemetry;

public class RecentFailuresTests
{
    private readonly TestSupport.ManualTime _time = new();

    [Fact]
    public void Of_a_storm_of_refusals_for_one_reason_one_in_a_while_is_wanted()
    {
        var failures = new RecentFailures(_time);
        var wanted = 0;

        for (var i = 0; i < 1000; i++)
        {
            wanted += failures.WantsRefusal("circuit_open") ? 1 : 0;
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(5, wanted);
    }

    [Fact]
    public void A_refusal_for_another_reason_is_wanted_at_once()
    {
        var failures = new RecentFailures(_time);

        Assert.True(failures.WantsRefusal("circuit_open"));
        Assert.True(failures.WantsRefusal("bulkhead_full"));
        Assert.False(failures.WantsRefusal("bulkhead_full"));
    }

    [Fact]
    public void The_newest_come_first_and_the_oldest_make_way()
    {
        var failures = new RecentFailures(_time);
        for (var i = 0; i < RecentFailures.Capacity + 3; i++)
        {
            failures.Add(Entry($"r{i}"));
        }

        var kept = failures.NewestFirst();

        Assert.Equal(RecentFailures.Capacity, kept.Count);
        Assert.Equal("r52", kept[0].Route);
        Assert.Equal("r3", kept[^1].Route);
    }

    private static AccessLogEntry Entry(string route) => new()
    {
        Time = DateTimeOffset.UnixEpoch,
        Route = route,
        Cluster = "c",
        Method = "GET",
        Path = "/",
        Protocol = "HTTP/1.1",
        Status = 503,
        Duration = TimeSpan.Zero,
        Outcome = RequestOutcome.Rejected,
    };
}
