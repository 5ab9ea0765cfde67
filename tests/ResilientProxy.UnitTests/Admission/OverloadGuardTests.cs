using Microsoft.Extensions.Logging;
using ResilientProxy.Admission;
using ResilientProxy.Telemetry;
using ResilientProxy.TestSupport;

namespace ResilientProxy.UnitTests.Admission;

public sealed class OverloadGuardTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly OverloadState _state = new();
    private readonly MetricRegistry _registry = new();
    private readonly MemoryLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly OverloadGuard _guard;
    private OverloadOptions? _options = new();
    private double _memory = 0.1;
    private TimeSpan _delay;
    private int _reclaimed;

    public OverloadGuardTests()
    {
        _loggers = new LoggerFactory([_log]);
        _guard = new OverloadGuard(
            () => _options, _state, new OverloadMetrics(_registry), _time, new Logger<OverloadGuard>(_loggers),
            new OverloadProbes(() => _memory, measured => measured(_delay), () => _reclaimed++));
    }

    [Fact]
    public void Calm_is_calm()
    {
        Pass(10_000);

        Assert.Equal(OverloadLevel.None, _state.Level);
        Assert.False(_state.StopsRetries);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_delay_that_lasts_refuses_and_one_spike_does_not()
    {
        _delay = TimeSpan.FromMilliseconds(400);
        Pass(450);
        _delay = TimeSpan.Zero;
        Pass(50);
        _delay = TimeSpan.FromMilliseconds(400);
        Pass(450);
        Assert.False(_state.Refuses);

        Pass(150);

        Assert.True(_state.Refuses);
        Assert.Equal("queue_delay", _state.Reason);
    }

    [Fact]
    public void Retries_stop_first()
    {
        _delay = TimeSpan.FromMilliseconds(45);
        Pass(1000);

        Assert.Equal(OverloadLevel.Pressed, _state.Level);
        Assert.True(_state.StopsRetries);
        Assert.False(_state.Refuses);
    }

    [Fact]
    public void It_takes_more_than_a_little_less_to_be_relieved()
    {
        _delay = TimeSpan.FromMilliseconds(60);
        Pass(1000);
        _delay = TimeSpan.FromMilliseconds(48);
        Pass(5000);
        Assert.True(_state.Refuses);

        _delay = TimeSpan.FromMilliseconds(44);
        Pass(1000);
        Assert.Equal(OverloadLevel.Pressed, _state.Level);

        _delay = TimeSpan.FromMilliseconds(10);
        Pass(1000);
        Assert.Equal(OverloadLevel.None, _state.Level);
    }

    [Fact]
    public void Memory_refuses_and_what_can_be_is_reclaimed_now_and_then()
    {
        _memory = 0.95;
        Pass(1000);

        Assert.True(_state.Refuses);
        Assert.Equal("memory", _state.Reason);
        Assert.Equal(1, _reclaimed);

        Pass(10_000);
        Assert.Equal(2, _reclaimed);
    }

    [Fact]
    public void Each_change_is_one_line_of_the_log()
    {
        _memory = 0.95;
        Pass(5000);
        _memory = 0.1;
        Pass(5000);

        Assert.Collection(
            _log.Lines.Where(line => !line.StartsWith("Warning", StringComparison.Ordinal)),
            line => Assert.Contains("overloaded (memory)", line, StringComparison.Ordinal),
            line => Assert.Contains("no longer overloaded", line, StringComparison.Ordinal));
        Assert.InRange(_log.Lines.Count, 2, 4);
    }

    [Fact]
    public void What_is_off_refuses_nothing_and_a_reload_counts_at_once()
    {
        _memory = 2;
        _delay = TimeSpan.FromSeconds(9);
        _options = new() { MaxMemory = null, MaxQueueDelay = null };
        Pass(2000);
        Assert.Equal(OverloadLevel.None, _state.Level);

        _options = null;
        Pass(2000);
        Assert.Equal(OverloadLevel.None, _state.Level);

        _options = new() { MaxMemory = MemoryShare.Off };
        Pass(2000);
        Assert.Equal("queue_delay", _state.Reason);
        Assert.True(_state.Refuses);

        _options = null;
        Pass(2000);
        Assert.Equal(OverloadLevel.None, _state.Level);
    }

    [Fact]
    public void The_metrics_show_what_was_measured()
    {
        _memory = 0.95;
        _delay = TimeSpan.FromMilliseconds(7);
        Pass(1000);

        Assert.Equal(0.95, Value("resilient_proxy_overload_memory_ratio"));
        Assert.Equal(0.007, Value("resilient_proxy_overload_queue_delay_seconds"));
        Assert.Equal(1, Value("resilient_proxy_overload_active"));

        double Value(string name) => _registry.Families.Single(family => family.Name == name).Collect().Single().Value.Number;
    }

    [Fact]
    public async Task The_pools_delay_is_measured_on_the_pool()
    {
        var measured = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);

        new QueueDelay(_time).Measure(delay => measured.TrySetResult(delay));

        Assert.Equal(TimeSpan.Zero, await measured.Task.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void This_process_takes_some_of_its_memory_but_not_all() => Assert.InRange(MemoryUse.Ratio(), 0.0001, 1);

    [Theory]
    [InlineData(50, 100, 10, 75, 0.5)]
    [InlineData(50, 100, 60, 75, 0.8)]
    [InlineData(50, 0, 0, 0, 0)]
    public void The_tighter_of_the_limits_counts(long resident, long limit, long heap, long heapLimit, double expected) =>
        Assert.Equal(expected, MemoryUse.Ratio(resident, limit, heap, heapLimit));

    [Theory]
    [InlineData("536870912\n", 536870912L)]
    [InlineData("max\n", null)]
    [InlineData("9223372036854771712\n", null)]
    public void A_containers_limit_is_read_from_its_file(string text, long? expected)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, text);

        Assert.Equal(expected, MemoryUse.ContainerLimit([file + ".none", file]));
        File.Delete(file);
    }

    public void Dispose()
    {
        _guard.Dispose();
        _loggers.Dispose();
        _registry.Dispose();
    }

    private void Pass(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
}
