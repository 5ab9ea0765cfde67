using Microsoft.AspNetCore.Http;
using System.Globalization;
using System.Net;
using ResilientProxy.RateLimiting;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.RateLimiting;

public class PartitionTests
{
    private static readonly RateLimiterOptions OneAnHour = new()
    {
        PermitLimit = 1,
        Window = TimeSpan.FromHours(1),
        PartitionBy = new("header:X-Api-Key"),
    };

    [Fact]
    public void Each_value_of_the_header_has_a_limit_of_its_own_and_requests_without_it_share_one()
    {
        var limiter = RouteRateLimiter.Create(OneAnHour, new ManualTime());

        Assert.True(Take(limiter, "a"));
        Assert.True(Take(limiter, "b"));
        Assert.False(Take(limiter, "a"));
        Assert.True(Take(limiter, null));
        Assert.False(Take(limiter, null));
        Assert.False(Take(limiter, ""));
        Assert.Equal(3, limiter.Partitions);
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void An_address_shares_a_limit_with_its_own_network_of_64_bits(string one, string other, bool together)
    {
        var limiter = RouteRateLimiter.Create(OneAnHour with { PartitionBy = RateLimiterPartition.ClientIp }, new ManualTime());

        limiter.Take(IPAddress.Parse(one), new HeaderDictionary());

        Assert.Equal(!together, limiter.Take(IPAddress.Parse(other), new HeaderDictionary()).IsAdmitted);
    }

    [Theory]
    [InlineData(RateLimiterAlgorithm.TokenBucket)]
    [InlineData(RateLimiterAlgorithm.SlidingWindow)]
    internal void A_million_names_take_bounded_memory(RateLimiterAlgorithm algorithm)
    {
        var limiter = RouteRateLimiter.Create(OneAnHour with { Algorithm = algorithm }, new ManualTime());
        var headers = new HeaderDictionary();
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var i = 0; i < 1_000_000; i++)
        {
            headers["X-Api-Key"] = i.ToString(CultureInfo.InvariantCulture);
            limiter.Take(null, headers);
        }

        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown <= 64 * 1024 * 1024, $"grown by {grown / 1024} KiB");
        Assert.InRange(limiter.Partitions, 200_000, RouteRateLimiter.MaxPartitions);
    }

    [Fact]
    public void When_it_is_full_the_idle_are_forgotten_and_the_active_stay_exact()
    {
        var time = new ManualTime();
        var limiter = RouteRateLimiter.Create(OneAnHour with { Window = TimeSpan.FromMinutes(1) }, time, maxPartitions: 6400);
        for (var i = 0; i < 3000; i++)
        {
            Take(limiter, $"idle {i}");
        }

        time.Advance(TimeSpan.FromMinutes(2));
        for (var i = 0; i < 3000; i++)
        {
            Take(limiter, $"active {i}");
        }

        for (var i = 0; i < 2000; i++)
        {
            Take(limiter, $"new {i}");
        }

        Assert.Equal(0, Enumerable.Range(0, 3000).Count(i => Take(limiter, $"active {i}")));
    }

    [Fact]
    public void When_all_are_active_those_that_will_soonest_be_idle_are_forgotten()
    {
        var time = new ManualTime();
        var limiter = RouteRateLimiter.Create(OneAnHour, time, maxPartitions: 6400);
        for (var i = 0; i < 3000; i++)
        {
            Take(limiter, $"old {i}");
        }

        time.Advance(TimeSpan.FromMinutes(10));
        for (var i = 0; i < 4000; i++)
        {
            Take(limiter, $"young {i}");
        }

        Assert.InRange(limiter.Partitions, 5000, 6400);
        Assert.Equal(0, Enumerable.Range(0, 4000).Count(i => Take(limiter, $"young {i}")));
    }

    [Fact]
    public void The_hash_is_the_published_one()
    {
        // The reference implementation's vectors for the key 00…0f and the messages of no byte and of the byte 00.
        Assert.Equal("A3817F04BA25A8E66DF67214C7550293", Hash(0));
        Assert.Equal("DA87C1D86B99AF44347659119B22FC45", Hash(1));

        static string Hash(int length)
        {
            var key = SipHash.Hash128([.. Enumerable.Range(0, length).Select(i => (byte)i)], 0x0706050403020100, 0x0f0e0d0c0b0a0908);
            return Convert.ToHexString([.. BitConverter.GetBytes(key.Low), .. BitConverter.GetBytes(key.High)]);
        }
    }

    [Theory]
    [InlineData("route", "route")]
    [InlineData("Client-IP", "client-ip")]
    [InlineData("Header:X-Api-Key", "header:X-Api-Key")]
    public void A_partition_is_read_in_any_case(string text, string expected) =>
        Assert.Equal(expected, RateLimiterPartition.Parse(text, null).ToString());

    [Theory]
    [InlineData("orders", "\"orders\";q=100;w=60", "\"orders\";r=7;t=2")]
    [InlineData("say \"hi\" \\ ü", "\"say \\\"hi\\\" \\\\ _\";q=100;w=60", "\"say \\\"hi\\\" \\\\ _\";r=7;t=2")]
    public void The_fields_are_those_of_the_draft(string route, string policy, string limit)
    {
        var headers = new HeaderDictionary();

        new RateLimitFields(route, new() { Window = TimeSpan.FromMinutes(1) }).Add(headers, new(true, 7, LimitClock.Second + 1));

        Assert.Equal(policy, headers["RateLimit-Policy"]);
        Assert.Equal(limit, headers["RateLimit"]);
    }

    private static bool Take(RouteRateLimiter limiter, string? key)
    {
        var headers = new HeaderDictionary();
        if (key is not null)
        {
            headers["X-Api-Key"] = key;
        }

        return limiter.Take(null, headers).IsAdmitted;
    }
}
