using System.Globalization;
using ResilientProxy.Forwarding;
using ResilientProxy.Retry;
using ResilientProxy.TestSupport;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Fuzz;

/// <summary>What fuzzing has found in parsers, each by itself.</summary>
public class FoundTests
{
    [Theory]
    [InlineData("0006:02")]
    [InlineData(" 1:02:03")]
    [InlineData("2s\n")]
    public void A_duration_is_what_the_schema_allows_and_no_more(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("[::1]:80")]
    [InlineData("[::1]")]
    public void An_address_with_a_port_is_no_address(string text) => Assert.False(AddressRange.TryParse(text, null, out _));

    [Fact]
    public void A_status_with_a_nul_behind_it_is_none() => Assert.False(RetryCondition.TryParse("500\0", null, out _));

    [Theory]
    [InlineData("Fri, 01 Jan 2027 00:00:00 GMT", null, 86_400)]
    [InlineData("Thu, 01 Jan 2026 00:00:30 GMT", null, 30)]
    [InlineData("Thu, 01 Jan 2026 00:00:30 GMT", "Thu, 01 Jan 2026 00:00:20 GMT", 10)]
    [InlineData("Fri, 01 Jan 1999 00:00:30 GMT", "Fri, 01 Jan 1999 00:00:20 GMT", 10)]
    [InlineData("Thu, 01 Jan 2026 00:00:30 GMT", "Thu, 01 Jan 2026 00:01:00 GMT", 0)]
    public void A_retry_after_date_is_measured_by_the_upstreams_own_clock_and_is_a_day_at_most(string retryAfter, string? date, int seconds)
    {
        using var response = new HttpResponseMessage();
        response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        if (date is not null)
        {
            response.Headers.Date = DateTimeOffset.Parse(date, CultureInfo.InvariantCulture);
        }

        Assert.Equal(seconds, RetryAfter.Of(response, new ManualTime()).TotalSeconds);
    }
}
