using ResilientProxy.Forwarding;
using ResilientProxy.TestSupport;
using ResilientProxy.Timeouts;

namespace ResilientProxy.UnitTests.Forwarding;

public sealed class LongLivesTests : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private readonly ManualTime _time = new();
    private readonly TimerSweep _sweep;
    private ITimer? _drain;

    public LongLivesTests() => _sweep = new TimerSweep(_time);

    public void Dispose()
    {
        _drain?.Dispose();
        _sweep.Dispose();
    }

    [Fact]
    public void A_hundred_streams_end_spread_over_three_quarters_of_the_time()
    {
        var streams = Attempts(100, LifeSpan.Endless);
        var ended = new List<int>();

        Begin();
        for (var second = 1; second <= 15; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            ended.Add(streams.Count(stream => stream.End == AttemptEnd.Draining));
        }

        Assert.All(ended.Prepend(0).Zip(ended, (before, after) => after - before), count => Assert.InRange(count, 5, 8));
        Assert.Equal(100, ended[^1]);
    }

    [Fact]
    public void The_moments_within_a_share_of_the_time_are_not_the_same_twice()
    {
        static TimeSpan[] Moments(int seed) => [.. LongLives.Spread(10, TimeSpan.Zero, Window, new Random(seed))];

        Assert.Equal(Moments(1), Moments(1));
        Assert.NotEqual(Moments(1), Moments(2));
        Assert.All(Moments(1).Index(), moment => Assert.InRange(moment.Item, Window * (moment.Index / 10.0), Window * ((moment.Index + 1) / 10.0)));
    }

    [Fact]
    public void What_only_lacks_a_length_has_three_quarters_of_the_time_to_end_by_itself_and_what_has_one_the_whole()
    {
        var unknown = Attempts(10, LifeSpan.Unknown);
        var finite = Attempts(10, LifeSpan.Finite);

        Begin();
        _time.Advance(Window * 0.74);
        Assert.All(unknown, attempt => Assert.Equal(AttemptEnd.None, attempt.End));
        _time.Advance(Window * 0.22);

        Assert.All(unknown, attempt => Assert.Equal(AttemptEnd.Draining, attempt.End));
        Assert.All(finite, attempt => Assert.Equal(AttemptEnd.None, attempt.End));
    }

    [Fact]
    public void What_begins_during_the_drain_ends_with_it()
    {
        Begin();
        _time.Advance(Window * 0.5);
        var early = Attempts(4, LifeSpan.Endless);
        _time.Advance(Window * 0.3);
        Assert.All(early, attempt => Assert.Equal(AttemptEnd.Draining, attempt.End));
        var late = Attempts(4, LifeSpan.Endless);
        _time.Advance(TimeSpan.FromMilliseconds(100)); // their three quarters have passed

        Assert.All(late, attempt => Assert.Equal(AttemptEnd.Draining, attempt.End));
    }

    [Fact]
    public void A_web_socket_is_told_first_and_ended_when_its_client_does_not_answer()
    {
        var client = new MemoryStream();
        var attempt = Attempts(1, LifeSpan.Endless).Single();
        attempt.WebSocket = new ClientWebSocketStream(client, attempt.Token);

        Begin();
        while (!attempt.WebSocket.IsClosed)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(4, client.Length);
        _time.Advance(Window * 0.19);
        Assert.Equal(AttemptEnd.None, attempt.End);
        _time.Advance(Window * 0.02);

        Assert.Equal(AttemptEnd.Draining, attempt.End);
    }

    private void Begin() => _drain = new LongLives(_sweep, new Random(1)).Begin(Window);

    private Attempt[] Attempts(int count, LifeSpan life) =>
        [.. Enumerable.Range(0, count).Select(_ => new Attempt(default, null!, _sweep, Timeout.InfiniteTimeSpan, SweepTimer.Never, CancellationToken.None) { Life = life })];
}
