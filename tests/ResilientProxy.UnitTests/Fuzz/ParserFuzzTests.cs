using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using ResilientProxy.Admission;
using ResilientProxy.Bulkhead;
using ResilientProxy.Fallback;
using ResilientProxy.Forwarding;
using ResilientProxy.Health;
using ResilientProxy.Hedging;
using ResilientProxy.RateLimiting;
using ResilientProxy.Retry;
using ResilientProxy.Telemetry;
using ResilientProxy.TestSupport;
using ResilientProxy.TestSupport.Fuzz;
using ResilientProxy.Timeouts;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Fuzz;

/// <summary>Whatever text a config or a header holds, what reads it says yes or no: it never throws, a yes is within the bounds, and is written back as what is read again.</summary>
public class ParserFuzzTests
{
    private static readonly Regex DurationPattern = new(Duration.Pattern, RegexOptions.ECMAScript);
    private static readonly Regex SizePattern = new(ByteSize.Pattern, RegexOptions.ECMAScript);

    [Fact]
    public void A_duration_is_written_as_what_is_read_again() => FuzzPlan.Run(10_000, random =>
    {
        var text = FuzzText.Next(random);
        if (Duration.TryParse(text, out var value))
        {
            Assert.True(value >= TimeSpan.Zero, $"\"{text}\" is {value}");
            Assert.True(DurationPattern.IsMatch(text), $"\"{text}\" is taken, and the schema does not allow it");
            Same(value, text);
        }

        Same(TimeSpan.FromTicks(random.NextInt64(1L << random.Next(1, 63))), "ticks");

        static void Same(TimeSpan value, string text) =>
            Assert.True(Duration.TryParse(Duration.Format(value), out var again) && again == value, $"{value} of \"{text}\" is written as \"{Duration.Format(value)}\"");
    });

    [Fact]
    public void A_size_is_written_as_what_is_read_again() => FuzzPlan.Run(10_000, random =>
    {
        var text = FuzzText.Next(random);
        if (ByteSize.TryParse(text, out var value))
        {
            Assert.True(value >= 0, $"\"{text}\" is {value}");
            Assert.True(SizePattern.IsMatch(text), $"\"{text}\" is taken, and the schema does not allow it");
            Same(value, text);
        }

        Same(random.NextInt64(1L << random.Next(1, 63)), "bytes");

        static void Same(long value, string text) =>
            Assert.True(ByteSize.TryParse(ByteSize.Format(value), out var again) && again == value, $"{value} of \"{text}\" is written as \"{ByteSize.Format(value)}\"");
    });

    [Fact]
    public void Values_with_a_syntax_of_their_own_are_written_as_what_is_read_again() => FuzzPlan.Run(23_000, random =>
    {
        var text = FuzzText.Next(random);
        Check<MemoryShare>(text, share => share.Share is (>= 0.1 and <= 1) or double.PositiveInfinity);
        Check<HedgingDelay>(text, delay => delay.Percentile is >= 50 and <= 99 || delay.Fixed >= HedgingDelay.Floor);
        Check<RetryCondition>(text, condition => condition.Text.Length > 0);
        Check<FallbackCondition>(text, condition => condition.Text.Length > 0);
        Check<ConcurrencyLimit>(text, limit => limit.IsAdaptive || limit.Value is >= 1 and <= 1_000_000);
        Check<RateLimiterPartition>(text, partition => partition.Text.Length > 0);
        Check<StatusRange>(text, range => range is { First: >= 100, Last: <= 599 } && range.First <= range.Last);
        Check<HeaderName>(text, name => name.Text.Length is > 0 and <= 128);
        Check<AddressRange>(text, range => range.Contains(range.Network.BaseAddress));
    });

    [Fact]
    public void A_retry_after_is_no_wait_or_a_bounded_one() => FuzzPlan.Run(10_000, random =>
    {
        var text = FuzzText.Next(random);
        using var response = new HttpResponseMessage();
        var alone = random.Next(10) > 0;
        response.Headers.TryAddWithoutValidation("Retry-After", alone ? [text] : [text, FuzzText.Next(random)]);
        if (random.Next(4) == 0)
        {
            response.Headers.TryAddWithoutValidation("Date", FuzzText.Next(random));
        }

        var wait = RetryAfter.Of(response, new ManualTime());

        Assert.True(wait >= TimeSpan.Zero && wait <= TimeSpan.FromDays(1), $"\"{text}\" is a wait of {wait}");
        if (alone && text.Length is > 0 and < 6 && text.All(char.IsAsciiDigit))
        {
            Assert.Equal(Math.Min(int.Parse(text, CultureInfo.InvariantCulture), 86_400), wait.TotalSeconds);
        }
    });

    [Fact]
    public void A_deadline_of_a_caller_is_read_within_bounds_and_never_written_longer() => FuzzPlan.Run(15_000, random =>
    {
        var text = FuzzText.Next(random);
        if (Deadline.TryParseGrpc(text, out var grpc))
        {
            Assert.True(grpc >= TimeSpan.Zero, $"\"{text}\" is {grpc}");
            var written = Deadline.FormatGrpc(grpc);
            Assert.True(Deadline.TryParseGrpc(written, out var again) && again <= grpc, $"\"{text}\" is written as \"{written}\"");
        }

        if (Deadline.TryParseMilliseconds(text, out var milliseconds))
        {
            Assert.True(milliseconds >= TimeSpan.Zero && milliseconds <= TimeSpan.FromDays(1), $"\"{text}\" is {milliseconds}");
            Assert.True(Deadline.TryParseMilliseconds(Deadline.FormatMilliseconds(milliseconds), out var again) && again == milliseconds, $"\"{text}\"");
        }
    });

    [Fact]
    public void What_a_client_says_of_itself_is_believed_only_in_its_own_form() => FuzzPlan.Run(15_000, random =>
    {
        var text = FuzzText.Next(random);
        var trace = TraceContext.From(text);
        Assert.Equal(32, trace.TraceId.Length);
        Assert.Equal(trace.IsCallers, text.Contains(trace.TraceId, StringComparison.Ordinal));
        Assert.True(TraceContext.IsValid(trace.NewTraceParent()));

        var headers = new HeaderDictionary { ["X-Forwarded-For"] = random.Next(2) == 0 ? text : $"{text}, {FuzzText.Next(random)}" };
        AddressRange[] known = [AddressRange.Parse("10.0.0.0/8", null), AddressRange.Parse("::1", null)];
        var client = ClientAddress.Resolve(IPAddress.Parse("10.0.0.1"), headers, known);
        Assert.NotNull(client.Address);
        Assert.True(client.PeerIsKnown);
        var stranger = ClientAddress.Resolve(IPAddress.Parse("192.0.2.1"), headers, known);
        Assert.Equal("192.0.2.1", stranger.Address!.ToString());
    });

    private static void Check<T>(string text, Func<T, bool> isWithinBounds)
        where T : IParsable<T>, IFormattable
    {
        if (!T.TryParse(text, CultureInfo.InvariantCulture, out var value))
        {
            Assert.Throws<FormatException>(() => T.Parse(text, CultureInfo.InvariantCulture));
            return;
        }

        Assert.True(isWithinBounds(value), $"\"{text}\" is the {typeof(T).Name} {value}");
        var written = value.ToString(null, CultureInfo.InvariantCulture);
        Assert.True(T.TryParse(written, CultureInfo.InvariantCulture, out var again) && again.Equals(value), $"the {typeof(T).Name} \"{text}\" is written as \"{written}\"");

        // What is written is what the schema allows: it is what an operator copies from "explain".
        var pattern = typeof(T).GetCustomAttribute<TextFormatAttribute>()!.Pattern;
        Assert.True(Regex.IsMatch(written, pattern, RegexOptions.ECMAScript), $"the {typeof(T).Name} \"{text}\" is written as \"{written}\", and the schema does not allow it");
    }
}
