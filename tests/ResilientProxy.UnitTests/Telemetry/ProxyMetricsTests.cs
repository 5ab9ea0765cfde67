using System.Diagnostics.Metrics;
using ResilientProxy.CircuitBreaking;
using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Telemetry;

public sealed class ProxyMetricsTests : IDisposable
{
    private readonly ProxyMetrics _metrics = new(new ManualTime(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000)));

    public void Dispose() => _metrics.Dispose();

    [Theory]
    [InlineData(0, "none")]
    [InlineData(101, "1xx")]
    [InlineData(200, "2xx")]
    [InlineData(304, "3xx")]
    [InlineData(499, "4xx")]
    [InlineData(599, "5xx")]
    [InlineData(600, "none")]
    [InlineData(-1, "none")]
    public void A_request_is_counted_by_the_class_of_its_status(int status, string code)
    {
        var route = _metrics.ForRoute("r", "c");

        route.RequestStarted();
        route.RequestEnded(status, RequestOutcome.UpstreamError, TimeSpan.FromMilliseconds(4));

        var scrape = _metrics.Scrape();
        Assert.Equal("1", scrape.Sample($"resilient_proxy_requests_total{{route=\"r\",cluster=\"c\",code=\"{code}\",outcome=\"upstream_error\"}}"));
        Assert.Equal("1", scrape.Sample("resilient_proxy_request_duration_seconds_count{route=\"r\"}"));
        Assert.Equal("0.004", scrape.Sample("resilient_proxy_request_duration_seconds_sum{route=\"r\"}"));
    }

    [Fact]
    public void Every_outcome_and_every_kind_of_timeout_has_the_contracts_word()
    {
        var route = _metrics.ForRoute("r", "c");
        foreach (var outcome in Enum.GetValues<RequestOutcome>())
        {
            route.RequestEnded(200, outcome, TimeSpan.Zero);
        }

        foreach (var kind in Enum.GetValues<TimeoutKind>())
        {
            route.TimedOut(kind);
        }

        var scrape = _metrics.Scrape();
        Assert.All(
            ["success", "upstream_error", "rejected", "timeout", "client_closed", "fallback"],
            word => Assert.Equal("1", scrape.Sample($"resilient_proxy_requests_total{{route=\"r\",cluster=\"c\",code=\"2xx\",outcome=\"{word}\"}}")));
        Assert.All(
            ["connect", "attempt", "total", "idle", "queue"],
            word => Assert.Equal("1", scrape.Sample($"resilient_proxy_timeouts_total{{route=\"r\",kind=\"{word}\"}}")));
    }

    [Fact]
    public void Requests_and_attempts_in_flight_go_up_and_down()
    {
        var route = _metrics.ForRoute("r", "c");
        var destination = _metrics.ForDestination("c", "d");

        route.RequestStarted();
        destination.AttemptStarted();
        Assert.Equal("1", _metrics.Scrape().Sample("resilient_proxy_requests_in_flight{route=\"r\"}"));
        Assert.Equal("1", _metrics.Scrape().Sample("resilient_proxy_attempts_in_flight{cluster=\"c\",destination=\"d\"}"));
        destination.AttemptEnded(DestinationMetrics.Success, TimeSpan.Zero);
        route.RequestEnded(200, RequestOutcome.Success, TimeSpan.Zero);

        Assert.Equal("0", _metrics.Scrape().Sample("resilient_proxy_requests_in_flight{route=\"r\"}"));
        Assert.Equal("0", _metrics.Scrape().Sample("resilient_proxy_attempts_in_flight{cluster=\"c\",destination=\"d\"}"));
    }

    [Fact]
    public void Attempts_are_counted_by_their_reason_word()
    {
        var destination = _metrics.ForDestination("c", "d");

        destination.AttemptEnded(DestinationMetrics.Success, TimeSpan.FromMilliseconds(1));
        destination.AttemptEnded("connection_refused", TimeSpan.FromMilliseconds(1));
        destination.AttemptEnded("connection_refused", TimeSpan.FromMilliseconds(1));

        var scrape = _metrics.Scrape();
        Assert.Equal("1", scrape.Sample("resilient_proxy_attempts_total{cluster=\"c\",destination=\"d\",outcome=\"success\"}"));
        Assert.Equal("2", scrape.Sample("resilient_proxy_attempts_total{cluster=\"c\",destination=\"d\",outcome=\"connection_refused\"}"));
        Assert.Equal("3", scrape.Sample("resilient_proxy_attempt_duration_seconds_count{cluster=\"c\",destination=\"d\"}"));
    }

    [Fact]
    public void A_circuit_breaker_shows_its_state_from_the_start_and_every_transition()
    {
        var destination = _metrics.ForDestination("c", "d");
        Assert.Equal("0", _metrics.Scrape().Sample("resilient_proxy_circuit_breaker_state{cluster=\"c\",destination=\"d\"}"));

        foreach (var state in new[] { CircuitState.Open, CircuitState.HalfOpen, CircuitState.Closed, CircuitState.Open, CircuitState.Isolated })
        {
            destination.CircuitState((int)state);
            destination.CircuitChanged(state.Word());
        }

        var scrape = _metrics.Scrape();
        Assert.Equal("3", scrape.Sample("resilient_proxy_circuit_breaker_state{cluster=\"c\",destination=\"d\"}"));
        Assert.All(
            [("open", "2"), ("half_open", "1"), ("closed", "1"), ("isolated", "1")],
            pair => Assert.Equal(pair.Item2, scrape.Sample($"resilient_proxy_circuit_breaker_transitions_total{{cluster=\"c\",destination=\"d\",to=\"{pair.Item1}\"}}")));
    }

    [Fact]
    public void Bytes_are_counted_by_leg_and_direction_seen_from_the_proxy()
    {
        var route = _metrics.ForRoute("r", "c");

        route.BytesFromClient(1);
        route.BytesToClient(2);
        route.BytesFromUpstream(3);
        route.BytesToUpstream(4);

        var scrape = _metrics.Scrape();
        Assert.Equal("1", scrape.Sample("resilient_proxy_client_bytes_total{route=\"r\",direction=\"in\"}"));
        Assert.Equal("2", scrape.Sample("resilient_proxy_client_bytes_total{route=\"r\",direction=\"out\"}"));
        Assert.Equal("3", scrape.Sample("resilient_proxy_upstream_bytes_total{route=\"r\",direction=\"in\"}"));
        Assert.Equal("4", scrape.Sample("resilient_proxy_upstream_bytes_total{route=\"r\",direction=\"out\"}"));
    }

    [Fact]
    public void A_request_without_a_route_has_a_label_that_no_client_chose()
    {
        _metrics.Unmatched.RequestEnded(404, RequestOutcome.Rejected, TimeSpan.Zero);

        Assert.Equal("1", _metrics.Scrape().Sample("resilient_proxy_requests_total{route=\"(none)\",cluster=\"\",code=\"4xx\",outcome=\"rejected\"}"));
    }

    [Fact]
    public void A_handle_is_resolved_once_for_the_same_names()
    {
        Assert.Same(_metrics.ForRoute("r", "c"), _metrics.ForRoute("r", "c"));
        Assert.NotSame(_metrics.ForRoute("r", "c"), _metrics.ForRoute("r", "other"));
        Assert.Same(_metrics.ForDestination("c", "d"), _metrics.ForDestination("c", "d"));
    }

    [Fact]
    public void Reloads_tell_whether_the_file_is_in_force_and_since_when()
    {
        _metrics.ConfigLoaded();
        _metrics.ConfigReloaded();
        _metrics.ConfigReloadFailed();
        _metrics.RestartRequired(true);

        var scrape = _metrics.Scrape();
        Assert.Equal("0", scrape.Sample("resilient_proxy_config_last_reload_successful"));
        Assert.Equal("1700000000", scrape.Sample("resilient_proxy_config_last_reload_success_timestamp_seconds"));
        Assert.Equal("1", scrape.Sample("resilient_proxy_config_reloads_total{result=\"success\"}"));
        Assert.Equal("1", scrape.Sample("resilient_proxy_config_reloads_total{result=\"failure\"}"));
        Assert.Equal("1", scrape.Sample("resilient_proxy_config_restart_required"));
    }

    [Fact]
    public void What_leaves_the_config_leaves_the_scrape_and_does_not_come_back_through_an_old_handle()
    {
        var gone = _metrics.ForRoute("gone", "c");
        var kept = _metrics.ForRoute("kept", "c");
        var goneDestination = _metrics.ForDestination("c", "gone");
        gone.RequestStarted();
        kept.RequestEnded(200, RequestOutcome.Success, TimeSpan.Zero);

        _metrics.Retain([("kept", "c")], [("c", "kept")]);
        gone.RequestEnded(500, RequestOutcome.UpstreamError, TimeSpan.Zero);
        goneDestination.AttemptEnded("dns_error", TimeSpan.Zero);

        var scrape = _metrics.Scrape();
        Assert.DoesNotContain("gone", scrape, StringComparison.Ordinal);
        Assert.Equal("1", scrape.Sample("resilient_proxy_requests_total{route=\"kept\",cluster=\"c\",code=\"2xx\",outcome=\"success\"}"));
        Assert.Same(kept, _metrics.ForRoute("kept", "c"));
        Assert.Contains("route=\"(none)\"", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public void A_route_that_comes_back_starts_from_nothing()
    {
        _metrics.ForRoute("r", "c").RequestStarted();

        _metrics.Retain([], []);
        _metrics.ForRoute("r", "c");

        Assert.Equal("0", _metrics.Scrape().Sample("resilient_proxy_requests_in_flight{route=\"r\"}"));
    }

    [Fact]
    public void A_route_that_changes_its_cluster_keeps_what_is_the_routes_alone()
    {
        var before = _metrics.ForRoute("r", "old");
        before.RequestStarted();
        var after = _metrics.ForRoute("r", "new");

        _metrics.Retain([("r", "new")], []);
        before.RequestEnded(500, RequestOutcome.UpstreamError, TimeSpan.Zero);
        before.TimedOut(TimeoutKind.Idle);

        var scrape = _metrics.Scrape();
        Assert.Equal(0, after.InFlight);
        Assert.Equal("1", scrape.Sample("resilient_proxy_timeouts_total{route=\"r\",kind=\"idle\"}"));
        Assert.DoesNotContain("cluster=\"old\"", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public void Scopes_of_what_left_the_config_leave_too()
    {
        var rejected = _metrics.Registry.Counter("something_refused_total", "Help.", "scope", "reason");
        foreach (var scope in new[] { MetricScope.Route("r"), MetricScope.Cluster("c"), MetricScope.Destination("c", "d"), MetricScope.Route("x"), MetricScope.Cluster("x"), MetricScope.Destination("c", "x") })
        {
            rejected.With(scope, "full");
        }

        _metrics.Retain([("r", "c")], [("c", "d")]);

        Assert.Equal(["cluster:c", "destination:c/d", "route:r"], rejected.Collect().Select(series => series.Labels["scope"]!));
    }

    [Fact]
    public void Beyond_the_bound_new_label_sets_share_one_series_and_are_counted()
    {
        using var registry = new MetricRegistry(maxSeries: 2);
        var family = registry.Counter("things_total", "Things.", "kind", "colour");

        foreach (var kind in new[] { "a", "b", "c", "d", "a" })
        {
            family.With(kind, "red").Increment();
        }

        Assert.Equal(
            [("(overflow)", 2), ("a", 2), ("b", 1)],
            family.Collect().Select(series => (series.Labels["kind"]!, (int)series.Value.Number)));
        Assert.Equal(2, registry.Overflowed.Value);
    }

    [Fact]
    public void Room_that_Retain_made_is_used_again()
    {
        using var registry = new MetricRegistry(maxSeries: 1);
        var family = registry.Counter("things_total", "Things.", "kind");
        family.With("a");

        family.Retain(_ => false);
        family.With("b").Increment();

        Assert.Equal(["b"], family.Collect().Select(series => series.Labels["kind"]!));
    }

    [Fact]
    public void A_metric_is_registered_once() =>
        Assert.Throws<InvalidOperationException>(() => _metrics.Registry.Counter("requests_total", "Again."));

    [Fact]
    public void An_observed_gauge_is_computed_at_each_scrape_and_never_exported_twice()
    {
        var state = 0.0;
        var family = _metrics.Registry.Observed("something_observed", "State.", MetricType.Gauge, "cluster", "destination");
        family.ObserveWith(() => [new Observation(7, "c", "d"), new Observation(state, "c", "d")]);

        state = 2;

        Assert.Equal("2", _metrics.Scrape().Sample("resilient_proxy_something_observed{cluster=\"c\",destination=\"d\"}"));
    }

    [Fact]
    public void The_same_figures_are_read_by_whoever_listens_to_the_meter()
    {
        var measured = new Dictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter, _metrics.Registry.Meter))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured[$"{instrument.Name}{{{string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}}}"] = value);
        listener.Start();
        var route = _metrics.ForRoute("r", "c");
        var destination = _metrics.ForDestination("c", "d");

        route.RequestStarted();
        route.RequestEnded(200, RequestOutcome.Success, TimeSpan.FromSeconds(2));
        route.FirstByte(TimeSpan.FromSeconds(1));
        destination.AttemptEnded(DestinationMetrics.Success, TimeSpan.FromSeconds(0.5));
        route.RequestStarted();
        listener.RecordObservableInstruments();

        Assert.Equal(1, measured["resilient_proxy_requests_total{route=r,cluster=c,code=2xx,outcome=success}"]);
        Assert.Equal(1, measured["resilient_proxy_requests_in_flight{route=r}"]);
        Assert.Equal(2, measured["resilient_proxy_request_duration_seconds{route=r}"]);
        Assert.Equal(1, measured["resilient_proxy_time_to_first_byte_seconds{route=r}"]);
        Assert.Equal(0.5, measured["resilient_proxy_attempt_duration_seconds{cluster=c,destination=d}"]);
    }

    [Fact]
    public void Two_proxies_in_one_process_share_nothing()
    {
        using var other = new ProxyMetrics(TimeProvider.System);

        _metrics.ForRoute("r", "c").RequestStarted();

        Assert.Equal(0, other.ForRoute("r", "c").InFlight);
    }
}
