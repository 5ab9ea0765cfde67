using ResilientProxy.CircuitBreaking;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.CircuitBreaking;

public class BackpressureTests
{
    private readonly ManualTime _time = new();
    private readonly Backpressure _backpressure;

    public BackpressureTests() => _backpressure = new Backpressure(_time);

    [Fact]
    public void Nobody_asked_yet()
    {
        Assert.False(_backpressure.IsActive);
        Assert.Equal(TimeSpan.Zero, _backpressure.Left);
    }

    [Fact]
    public void A_destination_is_left_alone_for_as_long_as_it_asks()
    {
        _backpressure.Ask(TimeSpan.FromSeconds(3));

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(_backpressure.IsActive);
        Assert.Equal(TimeSpan.FromSeconds(1), _backpressure.Left);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(_backpressure.IsActive);
        Assert.Equal(TimeSpan.Zero, _backpressure.Left);
    }

    [Fact]
    public void It_is_left_alone_for_30_seconds_at_most()
    {
        _backpressure.Ask(TimeSpan.MaxValue);

        Assert.Equal(TimeSpan.FromSeconds(30), _backpressure.Left);
    }

    [Fact]
    public void The_wish_that_ends_later_counts()
    {
        _backpressure.Ask(TimeSpan.FromSeconds(3));
        _backpressure.Ask(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(3), _backpressure.Left);

        _backpressure.Ask(TimeSpan.FromSeconds(8));

        Assert.Equal(TimeSpan.FromSeconds(8), _backpressure.Left);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void No_time_is_no_wish(int seconds)
    {
        _backpressure.Ask(TimeSpan.FromSeconds(seconds));

        Assert.False(_backpressure.IsActive);
    }

    [Fact]
    public async Task Of_many_at_the_same_time_the_longest_stays()
    {
        await Task.WhenAll(Enumerable.Range(1, 8).Select(worker => Task.Run(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                _backpressure.Ask(TimeSpan.FromMilliseconds((i * 8) + worker));
            }
        })));

        Assert.Equal(TimeSpan.FromMilliseconds(8000), _backpressure.Left);
    }
}
