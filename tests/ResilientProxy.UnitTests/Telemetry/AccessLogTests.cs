using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ResilientProxy.Telemetry;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Telemetry;

public sealed class AccessLogTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    private readonly Counter _dropped = new();
    private readonly ManualTime _time = new(Start);
    private readonly RecordedLog _log = new();

    private static AccessLogEntry Entry => new()
    {
        Time = Start.ToOffset(TimeSpan.FromHours(2)),
        Route = "orders",
        Cluster = "backend",
        Method = "GET",
        Path = "/orders/1",
        HasQuery = true,
        Status = 502,
        BytesIn = 3,
        BytesOut = 1234,
        Duration = TimeSpan.FromMicroseconds(12_345.6),
        Client = IPAddress.Parse("2001:db8::1"),
        Protocol = "HTTP/1.1",
        TraceId = "0af7651916cd43dd8448eb211c80319c",
        Outcome = RequestOutcome.UpstreamError,
        Reason = "connection_refused",
        Attempts = [new("a", "connection_refused", TimeSpan.FromMilliseconds(1.5)), new("b", "502", TimeSpan.FromMilliseconds(10))],
        Stopped = "attempts",
    };

    private static AccessLogEntry Bare => new()
    {
        Time = Start,
        Route = ProxyMetrics.NoRoute,
        Cluster = "",
        Method = "GET",
        Path = "/",
        Status = 404,
        Duration = TimeSpan.Zero,
        Protocol = "HTTP/2",
        Outcome = RequestOutcome.Rejected,
    };

    [Fact]
    public void A_json_line_tells_all_of_the_request_and_nothing_of_its_query() => Assert.Equal(
        """
        {"time":"2026-01-02T03:04:05.678Z","route":"orders","cluster":"backend","method":"GET","path":"/orders/1?\u2026","status":502,"bytesIn":3,"bytesOut":1234,"durationMs":12.346,"client":"2001:db8::1","protocol":"HTTP/1.1","traceId":"0af7651916cd43dd8448eb211c80319c","outcome":"upstream_error","reason":"connection_refused","attempts":[{"destination":"a","outcome":"connection_refused","durationMs":1.5},{"destination":"b","outcome":"502","durationMs":10}],"stopped":"attempts"}

        """,
        Format(new AccessLogJsonFormatter(), Entry));

    [Fact]
    public void In_json_what_is_not_known_is_null_and_the_trail_of_no_attempt_empty() => Assert.Equal(
        """
        {"time":"2026-01-02T03:04:05.678Z","route":"(none)","cluster":"","method":"GET","path":"/","status":404,"bytesIn":0,"bytesOut":0,"durationMs":0,"client":null,"protocol":"HTTP/2","traceId":null,"outcome":"rejected","reason":null,"attempts":[],"stopped":null}

        """,
        Format(new AccessLogJsonFormatter(), Bare));

    [Fact]
    public void A_text_line_tells_the_same() => Assert.Equal(
        "2026-01-02T03:04:05.678Z 502 GET /orders/1?… 12.346ms in=3 out=1234 upstream_error route=orders cluster=backend client=2001:db8::1 protocol=HTTP/1.1 trace=0af7651916cd43dd8448eb211c80319c reason=connection_refused attempts=a:connection_refused:1.5ms,b:502:10ms stopped=attempts\n",
        Format(new AccessLogTextFormatter(), Entry));

    [Fact]
    public void In_text_what_is_not_known_is_a_dash() => Assert.Equal(
        "2026-01-02T03:04:05.678Z 404 GET / 0ms in=0 out=0 rejected route=(none) cluster=- client=- protocol=HTTP/2 trace=- reason=- attempts=- stopped=-\n",
        Format(new AccessLogTextFormatter(), Bare));

    [Fact]
    public void Headers_are_shown_in_both_forms_where_the_config_names_them()
    {
        var entry = Bare with { Headers = [new("User-Agent", "curl/8 \n"), new("Referer", null)] };

        Assert.EndsWith(",\"stopped\":null,\"headers\":{\"User-Agent\":\"curl/8 \\n\",\"Referer\":null}}\n", Format(new AccessLogJsonFormatter(), entry), StringComparison.Ordinal);
        Assert.EndsWith(" stopped=- User-Agent=curl/8\\u0020\\u000A Referer=-\n", Format(new AccessLogTextFormatter(), entry), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_names_no_header_is_read() =>
        Assert.Null(new AccessLogHeaders([]).Of(new HeaderDictionary { ["User-Agent"] = "curl" }));

    [Theory]
    [InlineData("User-Agent", false)]
    [InlineData("X-Request-Id", false)]
    [InlineData("Referer", false)]
    [InlineData("authorization", true)]
    [InlineData("Proxy-Authorization", true)]
    [InlineData("Cookie", true)]
    [InlineData("Set-Cookie", true)]
    [InlineData("X-Api-Key", true)]
    [InlineData("X_API_KEY", true)]
    [InlineData("X-CSRF-Token", true)]
    [InlineData("X-Client-Secret", true)]
    public void What_carries_credentials_is_masked_whoever_asks_for_it(string name, bool isMasked)
    {
        var headers = new AccessLogHeaders([new HeaderName(name)]);

        var shown = headers.Of(new HeaderDictionary { [name] = "s3cret" });

        Assert.Equal([new(name, isMasked ? "***" : "s3cret")], shown!);
    }

    [Fact]
    public void A_header_is_shown_once_and_cut_at_its_bound_and_its_absence_is_null()
    {
        var headers = new AccessLogHeaders([new("User-Agent"), new("user-agent"), new("Referer")]);

        var shown = headers.Of(new HeaderDictionary { ["User-Agent"] = new string('a', 300) });

        Assert.Equal([new("User-Agent", new string('a', AccessLogHeaders.MaxValueLength) + "…"), new("Referer", null)], shown!);
    }

    [Fact]
    public void Options_are_equal_by_what_they_say()
    {
        Assert.Equal(new AccessLogOptions { Headers = [new("A")] }, new AccessLogOptions { Headers = [new("a")] });
        Assert.NotEqual(new AccessLogOptions { Headers = [new("A")] }, new AccessLogOptions { Headers = [new("B")] });
        Assert.NotEqual(new AccessLogOptions { Headers = [new("A")] }, new AccessLogOptions());
    }

    public static TheoryData<string> Hostile => ["/a\nb", "/a\r\n{\"forged\":1}", "/\u001b[2J", "/\"quote\" \\back", "/\u2028\u202e\u0085", "/\0\u007f", "/\ud800", "/é日"];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void No_path_can_forge_a_line_or_reach_the_terminal(string path)
    {
        foreach (IAccessLogFormatter formatter in new IAccessLogFormatter[] { new AccessLogJsonFormatter(), new AccessLogTextFormatter() })
        {
            var line = Format(formatter, Bare with { Path = path, Method = path });

            Assert.EndsWith("\n", line, StringComparison.Ordinal);
            Assert.All(line[..^1], character => Assert.InRange(character, ' ', '~'));
        }

        var json = JsonDocument.Parse(Format(new AccessLogJsonFormatter(), Bare with { Path = path }));
        Assert.Equal(path.Replace('\ud800', '\ufffd'), json.RootElement.GetProperty("path").GetString());
        Assert.Equal(
            Format(new AccessLogTextFormatter(), Bare).Count(character => character == ' '),
            Format(new AccessLogTextFormatter(), Bare with { Path = path }).Count(character => character == ' '));
    }

    [Fact]
    public async Task Disposal_writes_what_is_queued_in_order()
    {
        using var output = new MemoryStream();
        var log = Log(new StreamSink(output));

        for (var status = 200; status < 1200; status++)
        {
            log.Write(Entry with { Status = status });
        }

        await log.DisposeAsync();

        Assert.Equal(Enumerable.Range(200, 1000), Lines(output).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("status").GetInt32()));
        Assert.Equal(0, _dropped.Value);
    }

    [Fact]
    public async Task A_line_is_written_without_waiting_for_disposal()
    {
        using var gate = new GatedStream();
        gate.Open();
        await using var log = Log(new StreamSink(gate));

        log.Write(Entry);

        await gate.Entered.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_full_queue_drops_and_counts_and_never_blocks()
    {
        using var gate = new GatedStream();
        var log = Log(new StreamSink(gate));
        log.Write(Entry);
        await gate.Entered.WaitAsync(TimeSpan.FromSeconds(20));

        for (var i = 0; i < AccessLog.QueueLength + 10; i++)
        {
            log.Write(Entry);
        }

        Assert.Equal(10, _dropped.Value);
        gate.Open();
        await log.DisposeAsync();
        Assert.Equal(1 + AccessLog.QueueLength, Lines(gate).Length);
    }

    [Fact]
    public async Task Disposal_gives_up_on_a_stalled_output_after_two_seconds_and_counts_what_is_lost()
    {
        using var gate = new GatedStream();
        var log = Log(new StreamSink(gate));
        log.Write(Entry);
        await gate.Entered.WaitAsync(TimeSpan.FromSeconds(20));
        log.Write(Entry);
        log.Write(Entry);

        var disposal = log.DisposeAsync().AsTask();
        Assert.Equal(TimeSpan.FromSeconds(2), await _time.TimerSet());
        Assert.False(disposal.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        await disposal.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(2, _dropped.Value);
        Assert.Contains("2 lines are lost", Assert.Single(_log.Messages), StringComparison.Ordinal);
        gate.Open();
    }

    [Fact]
    public async Task A_disk_error_is_logged_once_its_lines_are_counted_and_writing_is_tried_again_ever_later()
    {
        using var disk = new FailingStream { Failures = 2 };
        var log = Log(new RollingFileSink("unused", open: _ => disk));

        log.Write(Entry);
        Assert.Equal(TimeSpan.FromSeconds(1), await _time.TimerSet());
        log.Write(Entry);
        log.Write(Entry);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(2), await _time.TimerSet());
        log.Write(Entry with { Status = 299 });
        _time.Advance(TimeSpan.FromSeconds(2));
        await log.DisposeAsync();

        Assert.Equal(3, _dropped.Value);
        Assert.Equal(299, JsonDocument.Parse(Assert.Single(Lines(disk))).RootElement.GetProperty("status").GetInt32());
        Assert.Collection(
            _log.Messages,
            message => Assert.Contains("cannot be written", message, StringComparison.Ordinal),
            message => Assert.Contains("again", message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Disposal_does_not_wait_for_a_backoff()
    {
        using var disk = new FailingStream { Failures = int.MaxValue };
        var log = Log(new RollingFileSink("unused", open: _ => disk));
        log.Write(Entry);
        await _time.TimerSet();
        log.Write(Entry);

        await log.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(2, _dropped.Value);
    }

    [Fact]
    public async Task What_is_written_after_disposal_is_counted_as_dropped_and_a_second_disposal_does_nothing()
    {
        using var output = new MemoryStream();
        var log = Log(new StreamSink(output));
        await log.DisposeAsync();

        log.Write(Entry);
        await log.DisposeAsync();

        Assert.Equal(0, output.Length);
        Assert.Equal(1, _dropped.Value);
    }

    [Fact]
    public async Task An_error_nobody_foresaw_does_not_end_the_log()
    {
        using var output = new MemoryStream();
        var opened = 0;
        var log = Log(new RollingFileSink("unused", open: _ => ++opened == 1 ? throw new InvalidOperationException("unforeseen") : output));

        log.Write(Entry);
        await _time.TimerSet();
        log.Write(Entry);
        await log.DisposeAsync();

        Assert.Equal(1, _dropped.Value);
        Assert.Single(Lines(output));
    }

    [Fact]
    public async Task Only_successes_are_sampled()
    {
        using var output = new MemoryStream();
        await using var log = new AccessLog(new AccessLogOptions { SuccessSampling = 0.25 }, new StreamSink(output), _dropped, _time, _log, new Random(42));

        var successes = Enumerable.Range(0, 1000).Count(_ => log.Wants(RequestOutcome.Success));
        var others = Enum.GetValues<RequestOutcome>().Where(outcome => outcome is not RequestOutcome.Success).ToList();

        var expected = new Random(42);
        Assert.Equal(Enumerable.Range(0, 1000).Count(_ => expected.NextDouble() < 0.25), successes);
        Assert.InRange(successes, 200, 300);
        Assert.All(others, outcome => Assert.True(log.Wants(outcome)));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task Sampling_of_nothing_and_of_everything_is_exact(double share, bool wanted)
    {
        await using var log = new AccessLog(new AccessLogOptions { SuccessSampling = share }, new StreamSink(Stream.Null), _dropped, _time, _log);

        Assert.All(Enumerable.Range(0, 1000), _ => Assert.Equal(wanted, log.Wants(RequestOutcome.Success)));
    }

    [Fact]
    public async Task A_log_that_is_off_wants_nothing_and_writes_nothing()
    {
        using var output = new MemoryStream();
        var log = AccessLog.Create(new AccessLogOptions { Path = "off" }, output, _dropped, _time, _log);

        Assert.All(Enum.GetValues<RequestOutcome>(), outcome => Assert.False(log.Wants(outcome)));
        log.Write(Entry);
        await log.DisposeAsync();

        Assert.Equal(0, output.Length);
        Assert.Equal(0, _dropped.Value);
    }

    [Fact]
    public async Task A_log_to_stdout_leaves_the_stream_open()
    {
        using var output = new MemoryStream();
        var log = AccessLog.Create(new AccessLogOptions { Format = AccessLogFormat.Text }, output, _dropped, TimeProvider.System, _log);

        log.Write(Entry);
        await log.DisposeAsync();

        Assert.True(output.CanWrite);
        Assert.StartsWith("2026-01-02T03:04:05.678Z 502 GET", Assert.Single(Lines(output)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_client_may_make_long_is_cut()
    {
        using var output = new MemoryStream();
        var log = Log(new StreamSink(output));

        log.Write(Entry with { Path = new string('x', 100_000), Method = new string('M', 1000), HasQuery = false });
        await log.DisposeAsync();

        var line = JsonDocument.Parse(Assert.Single(Lines(output))).RootElement;
        Assert.Equal(new string('x', AccessLog.MaxPathLength) + "…", line.GetProperty("path").GetString());
        Assert.Equal(new string('M', AccessLog.MaxMethodLength) + "…", line.GetProperty("method").GetString());
    }

    private static string Format(IAccessLogFormatter formatter, AccessLogEntry entry)
    {
        var output = new ArrayBufferWriter<byte>();
        formatter.Write(output, entry);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string[] Lines(MemoryStream output) => Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private AccessLog Log(IAccessLogSink sink) => new(new AccessLogOptions(), sink, _dropped, _time, _log) { Linger = TimeSpan.Zero };

    /// <summary>A pipe that nobody reads until it is opened.</summary>
    private sealed class GatedStream : MemoryStream
    {
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _open = new();

        public Task Entered => _entered.Task;

        public void Open() => _open.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _entered.TrySetResult();
            _open.Wait();
            base.Write(buffer);
        }
    }

    /// <summary>A disk that is full for the first writes, and whose file can be opened again.</summary>
    private sealed class FailingStream : MemoryStream
    {
        public int Failures { get; set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Failures-- > 0)
            {
                throw new IOException("No space left on device");
            }

            base.Write(buffer);
        }

        public override void Close()
        {
            // Open for the sink's next try, as the file on the disk is.
        }
    }

    private sealed class RecordedLog : ILogger<AccessLog>
    {
        private readonly Lock _lock = new();
        private readonly List<string> _messages = [];

        public IReadOnlyList<string> Messages
        {
            get
            {
                lock (_lock)
                {
                    return [.. _messages];
                }
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lock)
            {
                _messages.Add(formatter(state, exception));
            }
        }
    }
}
