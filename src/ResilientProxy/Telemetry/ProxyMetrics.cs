using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;

namespace ResilientProxy.Telemetry;

/// <summary>All metrics of one running proxy: a verb per event, and handles for what happens on the request path.</summary>
/// <remarks>
/// A route and a destination resolve their handle once, when their config takes effect, and keep it; recording is then an array index
/// and an add. To add a metric: one line here that registers its family, and a verb where its event happens.
/// </remarks>
internal sealed class ProxyMetrics : IDisposable
{
    /// <summary>The route label of requests that matched none.</summary>
    public const string NoRoute = "(none)";

    private readonly ConcurrentDictionary<(string Route, string Cluster), RouteMetrics> _routes = new();
    private readonly ConcurrentDictionary<(string Cluster, string Destination), DestinationMetrics> _destinations = new();
    private readonly TimeProvider _time;
    private RetainedLabels? _retained;
    private readonly LabelledFamily<Gauge> _lastReloadSuccessful;
    private readonly LabelledFamily<Gauge> _lastReloadTimestamp;
    private readonly LabelledFamily<Counter> _reloads;
    private readonly LabelledFamily<Gauge> _restartRequired;
    private readonly LabelledFamily<Counter> _certificateReloads;

    /// <param name="time">For the time stamp of the last reload.</param>
    /// <param name="maxSeries">How many series one metric may have; at least 1.</param>
    public ProxyMetrics(TimeProvider time, int maxSeries = MetricRegistry.DefaultMaxSeries)
    {
        _time = time;
        Registry = new MetricRegistry(maxSeries);

        Requests = Registry.Counter("requests_total", "Requests that ended, by the class of their status and by how they ended.", "route", "cluster", "code", "outcome");
        RequestDuration = Registry.Histogram("request_duration_seconds", "Time from a request's arrival until its response ended.", "route");
        TimeToFirstByte = Registry.Histogram("time_to_first_byte_seconds", "Time from a request's arrival until the first byte of its response went to the client.", "route");
        RequestsInFlight = Registry.UpDownCounter("requests_in_flight", "Requests whose response has not ended yet.", "route");
        Timeouts = Registry.Counter("timeouts_total", "Timers that ran out.", "route", "kind");
        UpstreamBytes = Registry.Counter("upstream_bytes_total", "Body bytes between the proxy and destinations, seen from the proxy.", "route", "direction");
        ClientBytes = Registry.Counter("client_bytes_total", "Body bytes between clients and the proxy, seen from the proxy.", "route", "direction");
        Retries = Registry.Counter("retries_total", "Attempts that followed a failed one, by what had failed.", "route", "reason");
        RetriesStopped = Registry.Counter("retries_stopped_total", "Failed requests for which no further attempt was made, by why not.", "route", "reason");
        Rescued = Registry.Counter("rescued_requests_total", "Requests that ended well although an attempt had failed, by what rescued them.", "route", "by");
        Hedges = Registry.Counter("hedges_total", "Attempts that were sent beside a slow one, by whether theirs was the answer.", "route", "outcome");
        Fallbacks = Registry.Counter("fallbacks_total", "Requests that were answered by the route's fallback.", "route");
        RateLimiterRejected = Registry.Counter("rate_limiter_rejected_total", "Requests refused because their client had used up its rate limit.", "route");
        Attempts = Registry.Counter("attempts_total", "Attempts at a destination that ended: success, or the reason of the failure.", "cluster", "destination", "outcome");
        AttemptDuration = Registry.Histogram("attempt_duration_seconds", "Time an attempt at a destination took until its outcome was known.", "cluster", "destination");
        AttemptsInFlight = Registry.UpDownCounter("attempts_in_flight", "Attempts at a destination that have not ended yet.", "cluster", "destination");
        CircuitStates = Registry.Gauge("circuit_breaker_state", "What the circuit breaker does with attempts at a destination: 0 closed, 1 half-open, 2 open, 3 isolated.", "cluster", "destination");
        CircuitTransitions = Registry.Counter("circuit_breaker_transitions_total", "Times the circuit breaker of a destination changed its state, by the new one.", "cluster", "destination", "to");
        Bulkheads = new BulkheadMetrics(Registry);
        HealthChecks = Registry.Counter("health_checks_total", "Active health checks that ended: success, or the reason of the failure.", "cluster", "destination", "outcome");
        DestinationHealthy = Registry.Observed("destination_healthy", "1 while a destination is healthy by its active checks, or has none; else 0.", MetricType.Gauge, "cluster", "destination");
        AccessLogDropped = Registry.Counter("access_log_dropped_total", "Lines of the access log that were not written: its queue was full or its file could not be written.").With();

        Overload = new OverloadMetrics(Registry);

        _lastReloadSuccessful = Registry.Gauge("config_last_reload_successful", "1 when the config file as it is now is in force, 0 when it was refused.");
        _lastReloadTimestamp = Registry.Gauge("config_last_reload_success_timestamp_seconds", "Unix time at which the config in force was taken over.");
        _reloads = Registry.Counter("config_reloads_total", "Attempts to take over a changed config.", "result");
        _restartRequired = Registry.Gauge("config_restart_required", "1 when the config file asks for listeners that only a restart can give.");
        CertificateExpiry = Registry.Observed("tls_certificate_expiry_timestamp_seconds", "Unix time at which the certificate of a listener expires.", MetricType.Gauge, "endpoint");
        _certificateReloads = Registry.Counter("tls_certificate_reloads_total", "Changed certificate files of listeners and upstreams that were taken over (success) or refused (failure).", "endpoint", "result");
        _lastReloadSuccessful.With();
        _restartRequired.With();
        _reloads.With("success");
        _reloads.With("failure");
        Registry.Gauge("build_info", "Always 1; the labels say which build runs on which runtime.", "version", "runtime")
            .With(typeof(ProxyMetrics).Assembly.GetName().Version?.ToString(3) ?? "unknown", RuntimeInformation.FrameworkDescription)
            .Set(1);

        RequestDurationInstrument = Registry.Distribution(RequestDuration);
        TimeToFirstByteInstrument = Registry.Distribution(TimeToFirstByte);
        AttemptDurationInstrument = Registry.Distribution(AttemptDuration);
        Unmatched = new RouteMetrics(this, NoRoute, cluster: "");
    }

    /// <summary>Where families are registered and read.</summary>
    public MetricRegistry Registry { get; }

    /// <summary>The handle for requests that match no route.</summary>
    public RouteMetrics Unmatched { get; }

    /// <summary>The bulkheads, asked at each scrape.</summary>
    public BulkheadMetrics Bulkheads { get; }

    /// <summary>When the listeners' certificates expire.</summary>
    public ObservedFamily CertificateExpiry { get; }

    /// <summary>Lines the access log lost.</summary>
    public Counter AccessLogDropped { get; }

    /// <summary>What the overload guard measures and refuses.</summary>
    public OverloadMetrics Overload { get; }
    internal TimeProvider Time => _time;

    internal LabelledFamily<Counter> Requests { get; }

    internal LabelledFamily<Histogram> RequestDuration { get; }

    internal LabelledFamily<Histogram> TimeToFirstByte { get; }

    internal LabelledFamily<UpDownCounter> RequestsInFlight { get; }

    internal LabelledFamily<Counter> Timeouts { get; }

    internal LabelledFamily<Counter> UpstreamBytes { get; }

    internal LabelledFamily<Counter> ClientBytes { get; }

    internal LabelledFamily<Counter> Retries { get; }

    internal LabelledFamily<Counter> RetriesStopped { get; }

    internal LabelledFamily<Counter> Rescued { get; }

    internal LabelledFamily<Counter> Hedges { get; }

    internal LabelledFamily<Counter> Fallbacks { get; }

    internal LabelledFamily<Counter> RateLimiterRejected { get; }

    internal LabelledFamily<Counter> Attempts { get; }

    internal LabelledFamily<Histogram> AttemptDuration { get; }

    internal LabelledFamily<UpDownCounter> AttemptsInFlight { get; }

    internal LabelledFamily<Gauge> CircuitStates { get; }

    internal LabelledFamily<Counter> CircuitTransitions { get; }

    internal LabelledFamily<Counter> HealthChecks { get; }

    internal ObservedFamily DestinationHealthy { get; }

    internal Histogram<double> RequestDurationInstrument { get; }

    internal Histogram<double> TimeToFirstByteInstrument { get; }

    internal Histogram<double> AttemptDurationInstrument { get; }

    /// <summary>The handle of a route; the same one for the same names until <see cref="Retain"/> drops it.</summary>
    public RouteMetrics ForRoute(string route, string cluster) =>
        _routes.GetOrAdd((route, cluster), static (key, metrics) => new RouteMetrics(metrics, key.Route, key.Cluster), this);

    /// <summary>The handle of a destination; the same one for the same names until <see cref="Retain"/> drops it.</summary>
    public DestinationMetrics ForDestination(string cluster, string destination) =>
        _destinations.GetOrAdd((cluster, destination), static (key, metrics) => new DestinationMetrics(metrics, key.Cluster, key.Destination), this);

    /// <summary>
    /// Drops the series of every route and destination that is not named here. Call it once a new config is in force, with all of that
    /// config; requests that still run under the old one may go on recording, which no scrape shows.
    /// </summary>
    public void Retain(IEnumerable<(string Route, string Cluster)> routes, IEnumerable<(string Cluster, string Destination)> destinations)
    {
        var retained = new RetainedLabels([.. routes], [.. destinations]);
        if (_retained?.NamesTheSame(retained) == true)
        {
            return; // most new configs change settings, and there may be a hundred thousand series
        }

        _retained = retained;

        // Lifetimes end before the sweep: see LabelledFamily.With.
        foreach (var (key, handle) in _routes)
        {
            if (!retained.Routes.Contains(key) && _routes.TryRemove(key, out _))
            {
                handle.End();
            }
        }

        foreach (var (key, handle) in _destinations)
        {
            if (!retained.Destinations.Contains(key) && _destinations.TryRemove(key, out _))
            {
                handle.End();
            }
        }

        foreach (var family in Registry.Families)
        {
            family.Retain(retained.Keeps);
        }
    }

    /// <summary>The config was read at start.</summary>
    public void ConfigLoaded()
    {
        _lastReloadSuccessful.With().Set(1);
        _lastReloadTimestamp.With().Set((_time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds);
    }

    /// <summary>A changed config took effect.</summary>
    public void ConfigReloaded()
    {
        ConfigLoaded();
        _reloads.With("success").Increment();
    }

    /// <summary>A changed config was refused; the last good one keeps serving.</summary>
    public void ConfigReloadFailed()
    {
        _lastReloadSuccessful.With().Set(0);
        _reloads.With("failure").Increment();
    }

    /// <summary>Whether the config in force differs from the listeners that are open, which only a restart changes.</summary>
    public void RestartRequired(bool required) => _restartRequired.With().Set(required ? 1 : 0);

    /// <summary>Changed certificate files were taken over, or refused.</summary>
    public void CertificateReloaded(string endpoint, bool successful) => _certificateReloads.With(endpoint, successful ? "success" : "failure").Increment();

    public void Dispose() => Registry.Dispose();
}
