using System.Globalization;
using System.Net;
using ResilientProxy.Health;
using ResilientProxy.Telemetry;
using ResilientProxy.TestSupport;
using ResilientProxy.UnitTests.Telemetry;

namespace ResilientProxy.UnitTests.Health;

public sealed class HealthMonitorTests : IAsyncDisposable
{
    private readonly TestSupport.ManualTime _time = new();
    private readonly ProxyMetrics _metrics;
    private readonly HealthMonitor _monitor;
    private readonly FakeHandler _handler = new();
    private readonly HttpMessageInvoker _invoker;
    private TimeSpan _timeout = TimeSpan.FromHours(1);

    public HealthMonitorTests()
    {
        _metrics = new ProxyMetrics(_time);
        _monitor = new HealthMonitor(_metrics, _time);
        _invoker = new HttpMessageInvoker(_handler);
    }

    public async ValueTask DisposeAsync()
    {
        await _monitor.DisposeAsync();
        _invoker.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public async Task The_first_check_comes_at_once_and_the_next_after_the_interval_with_its_jitter()
    {
        _monitor.Apply([Plan(("a", new DestinationHealth()))]);
        await Eventually.TrueAsync(() => Target("a").State == HealthState.Healthy, "the first result");
        Assert.Equal(TimeSpan.Zero.Ticks, _time.GetTimestamp());

        await StepAsync(until: () => _handler.Asked == 2, TimeSpan.FromSeconds(0.1));

        Assert.True(_time.GetElapsedTime(0) >= TimeSpan.FromSeconds(9), $"after {_time.GetElapsedTime(0)}");
    }

    [Fact]
    public async Task An_unhealthy_destination_is_asked_at_the_shorter_interval_and_its_recovery_is_told_once()
    {
        var recovered = 0;
        _handler.Status = HttpStatusCode.ServiceUnavailable;
        _monitor.Apply([Plan(() => Interlocked.Increment(ref recovered), ("a", new DestinationHealth()))]);
        await StepAsync(until: () => Target("a").State == HealthState.Unhealthy, TimeSpan.FromSeconds(1.2));
        Assert.Equal(0, recovered);

        _handler.Status = HttpStatusCode.OK;
        await StepAsync(until: () => Target("a").State == HealthState.Healthy, TimeSpan.FromSeconds(1.2));

        Assert.Equal(1, recovered);
        var scrape = _metrics.Scrape();
        Assert.True(int.Parse(scrape.Sample("resilient_proxy_health_checks_total{cluster=\"c\",destination=\"a\",outcome=\"status\"}")!, CultureInfo.InvariantCulture) >= 3);
        Assert.Equal("2", scrape.Sample("resilient_proxy_health_checks_total{cluster=\"c\",destination=\"a\",outcome=\"success\"}"));
        Assert.Equal("1", scrape.Sample("resilient_proxy_destination_healthy{cluster=\"c\",destination=\"a\"}"));
    }

    [Fact]
    public async Task A_hanging_check_ends_with_its_timeout()
    {
        _handler.Hangs = true;
        _timeout = TimeSpan.FromSeconds(2);
        _monitor.Apply([Plan(("a", new DestinationHealth()))]);
        await AskedAsync(1);

        await StepAsync(until: () => Target("a").Failures == 1, TimeSpan.FromSeconds(0.5));

        Assert.StartsWith("timeout", Target("a").Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_that_changes_nothing_keeps_the_checks_and_their_results()
    {
        var health = new DestinationHealth();
        _monitor.Apply([Plan(("a", health))]);
        await Eventually.TrueAsync(() => health.State == HealthState.Healthy, "the first result");

        _monitor.Apply([Plan(("a", health))]);

        Assert.Equal(HealthState.Healthy, health.State);
        Assert.Equal(1, _monitor.Running);
        Assert.Equal(1, _handler.Asked);
    }

    [Fact]
    public async Task A_reload_stops_the_checks_of_what_left_and_starts_those_of_what_came()
    {
        var kept = new DestinationHealth();
        _monitor.Apply([Plan(("a", new DestinationHealth()), ("b", kept))]);
        await StepAsync(until: () => kept.State == HealthState.Healthy, TimeSpan.FromMilliseconds(10)); // two do not start in the same moment

        var recovered = 0;
        _handler.Status = HttpStatusCode.ServiceUnavailable;
        _monitor.Apply([Plan(() => Interlocked.Increment(ref recovered), ("b", kept), ("c", new DestinationHealth()))]);

        Assert.Equal(2, _monitor.Running);
        Assert.False(Target("c").IsEligible);
        _handler.Status = HttpStatusCode.OK;
        await StepAsync(until: () => Target("c").State == HealthState.Healthy, TimeSpan.FromSeconds(1.2));
        Assert.True(Target("c").IsEligible);
        Assert.Equal(1, recovered); // one that joins others is ramped up
    }

    [Fact]
    public async Task Checks_switched_off_end_and_leave_a_destination_healthy()
    {
        var health = new DestinationHealth();
        _handler.Status = HttpStatusCode.ServiceUnavailable;
        _monitor.Apply([Plan(("a", health))]);
        await StepAsync(until: () => health.State == HealthState.Unhealthy, TimeSpan.FromSeconds(1.2));

        _monitor.Apply([new HealthPlan("c", 0, [new HealthTarget("a", health, _metrics.ForDestination("c", "a"), null, static () => { })])]);

        Assert.Equal(0, _monitor.Running);
        Assert.True(health.IsEligible);
        Assert.Equal("1", _metrics.Scrape().Sample("resilient_proxy_destination_healthy{cluster=\"c\",destination=\"a\"}"));
    }

    private DestinationHealth Target(string id) => _monitor.Clusters["c"].Plan.Targets.Single(target => target.Destination == id).Health;

    private HealthPlan Plan(params (string Id, DestinationHealth Health)[] destinations) => Plan(static () => { }, destinations);

    private HealthPlan Plan(Action recovered, params (string Id, DestinationHealth Health)[] destinations) => new("c", 0.5, [.. destinations.Select(destination =>
        new HealthTarget(destination.Id, destination.Health, _metrics.ForDestination("c", destination.Id), new ProbeSettings
        {
            Type = HealthCheckType.Http,
            Address = new Uri($"http://{destination.Id}/health"),
            Invoker = _invoker,
            Interval = TimeSpan.FromSeconds(10),
            UnhealthyInterval = TimeSpan.FromSeconds(1),
            Timeout = _timeout,
            Options = new(),
        }, recovered))]);

    private Task AskedAsync(int count) => Eventually.TrueAsync(() => _handler.Asked >= count, $"{count} checks");

    private Task StepAsync(Func<bool> until, TimeSpan step) => Eventually.TrueAsync(
        () =>
        {
            if (until())
            {
                return true;
            }

            _time.Advance(step);
            return until();
        },
        "the state");

    private sealed class FakeHandler : HttpMessageHandler
    {
        private int _asked;

        public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

        public bool Hangs { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            if (Hangs)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return new HttpResponseMessage(Status);
        }
    }
}
