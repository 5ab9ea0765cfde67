using Microsoft.AspNetCore.Http;
using ResilientProxy.RateLimiting;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.RateLimiting;

public class LimitTests
{
    private static readonly HeaderDictionary NoHeaders = [];

    [Fact]
    public void A_token_bucket_takes_its_burst_at_once_and_then_one_by_one()
    {
        var (time, limiter) = Limiter(new() { PermitLimit = 10, Burst = 3 });

        Assert.Equal([2L, 1, 0], Enumerable.Range(0, 3).Select(_ => Take(limiter)).Select(verdict => verdict.IsAdmitted ? verdict.Remaining : -1));
        Assert.False(Take(limiter).IsAdmitted);
        time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.False(Take(limiter).IsAdmitted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(Take(limiter).IsAdmitted);
        Assert.False(Take(limiter).IsAdmitted);
    }

    [Fact]
    public void A_full_token_bucket_does_not_fill_further()
    {
        var (time, limiter) = Limiter(new() { PermitLimit = 10, Burst = 3 });

        time.Advance(TimeSpan.FromDays(300));

        Assert.Equal(3, Admitted(limiter, 10));
    }

    [Fact]
    public void A_fixed_window_begins_with_the_first_request_and_gives_everything_back_at_its_end()
    {
        var (time, limiter) = Limiter(new() { Algorithm = RateLimiterAlgorithm.FixedWindow, PermitLimit = 4 });
        time.Advance(TimeSpan.FromMilliseconds(700));

        Assert.Equal(4, Admitted(limiter, 9));
        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(0, Admitted(limiter, 9));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(4, Admitted(limiter, 9));
    }

    [Fact]
    public void No_window_of_any_start_holds_more_than_a_sliding_window_allows()
    {
        var (time, limiter) = Limiter(new() { Algorithm = RateLimiterAlgorithm.SlidingWindow, PermitLimit = 20 });
        var random = new Random(1);
        var admitted = new List<long>();
        for (var i = 0; i < 20_000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(random.Next(20)));
            if (Take(limiter).IsAdmitted)
            {
                admitted.Add(time.GetTimestamp());
            }
        }

        var closest = Enumerable.Range(0, admitted.Count - 20).Min(i => admitted[i + 20] - admitted[i]);
        var rate = admitted.Count / TimeSpan.FromTicks(time.GetTimestamp()).TotalSeconds;

        Assert.True(closest >= TimeSpan.TicksPerSecond, $"21 requests within {TimeSpan.FromTicks(closest)}");
        Assert.InRange(rate, 20 * 8 / 9.0 - 0.5, 20);
    }

    [Theory]
    [InlineData(RateLimiterAlgorithm.TokenBucket)]
    [InlineData(RateLimiterAlgorithm.FixedWindow)]
    [InlineData(RateLimiterAlgorithm.SlidingWindow)]
    internal void Who_waits_as_long_as_told_is_admitted_and_who_comes_a_second_earlier_is_not(RateLimiterAlgorithm algorithm)
    {
        var (time, limiter) = Limiter(new() { Algorithm = algorithm, PermitLimit = 3, Window = TimeSpan.FromSeconds(40), Burst = algorithm == RateLimiterAlgorithm.TokenBucket ? 1 : null });
        Admitted(limiter, 5);
        time.Advance(TimeSpan.FromMilliseconds(1234));

        var seconds = Take(limiter).SecondsUntilMore;
        time.Advance(TimeSpan.FromSeconds(seconds - 1));
        var early = Take(limiter);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(early.IsAdmitted);
        Assert.Equal(1, early.SecondsUntilMore);
        Assert.True(Take(limiter).IsAdmitted);
    }

    [Theory]
    [InlineData(1, "10ms")]
    [InlineData(1, "24h")]
    [InlineData(1_000_000_000, "24h")]
    [InlineData(7, "1s")]
    public void The_widest_limits_count_exactly(int permits, string window)
    {
        Assert.True(ResilientProxy.Values.Duration.TryParse(window, out var span));
        foreach (var algorithm in Enum.GetValues<RateLimiterAlgorithm>())
        {
            var (time, limiter) = Limiter(new() { Algorithm = algorithm, PermitLimit = permits, Window = span });
            time.Advance(TimeSpan.FromDays(365));

            Assert.Equal(Math.Min(permits, 50), Admitted(limiter, 50));
            time.Advance(span * 2);
            Assert.Equal(Math.Min(permits, 50), Admitted(limiter, 50));
        }
    }

    [Theory]
    [InlineData(RateLimiterAlgorithm.TokenBucket)]
    [InlineData(RateLimiterAlgorithm.FixedWindow)]
    [InlineData(RateLimiterAlgorithm.SlidingWindow)]
    internal async Task Threads_at_once_get_no_permit_more_and_none_less(RateLimiterAlgorithm algorithm)
    {
        var (_, limiter) = Limiter(new() { Algorithm = algorithm, PermitLimit = 1000, Window = TimeSpan.FromHours(1) });

        var admitted = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Admitted(limiter, 1000))));

        Assert.Equal(1000, admitted.Sum());
    }

    private static (ManualTime Time, RouteRateLimiter Limiter) Limiter(RateLimiterOptions options)
    {
        var time = new ManualTime();
        return (time, RouteRateLimiter.Create(options, time));
    }

    private static RateLimitVerdict Take(RouteRateLimiter limiter) => limiter.Take(null, NoHeaders);

    private static int Admitted(RouteRateLimiter limiter, int asked) => Enumerable.Range(0, asked).Count(_ => Take(limiter).IsAdmitted);
}
