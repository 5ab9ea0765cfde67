using System.Text.Json;
using System.Text.RegularExpressions;
using ResilientProxy.UnitTests.Configuration;

namespace ResilientProxy.UnitTests.Telemetry;

/// <summary>
/// What <c>config/grafana</c> and <c>config/prometheus</c> ask for is what the proxy tells. A name with a typing error draws an empty panel and
/// never fires an alert, and nothing else would notice.
/// </summary>
public partial class DashboardAndAlertsTests
{
    private const string Prefix = "resilient_proxy_";

    private static readonly string ConfigFolder = Path.Combine(SchemaTests.RepositoryRoot(), "config");
    private static readonly string Alerts = Path.Combine(ConfigFolder, "prometheus/alerts.yml");
    private static readonly string Dashboard = Path.Combine(ConfigFolder, "grafana/resilient-proxy.json");

    // Without the prefix. What users are promised, and the few that came on top.
    private static readonly string[] Metrics =
    [
        "requests_total", "requests_in_flight", "attempts_total", "retries_total", "retries_stopped_total", "rescued_requests_total", "hedges_total",
        "timeouts_total", "circuit_breaker_state", "circuit_breaker_transitions_total", "bulkhead_in_flight", "bulkhead_queued", "bulkhead_limit",
        "bulkhead_rejected_total", "rate_limiter_rejected_total", "fallbacks_total", "destination_healthy", "health_checks_total",
        "upstream_bytes_total", "client_bytes_total", "config_last_reload_successful", "config_last_reload_success_timestamp_seconds",
        "config_reloads_total", "build_info",
        "attempts_in_flight", "access_log_dropped_total", "config_restart_required", "metrics_overflowed_total",
        "tls_certificate_expiry_timestamp_seconds",
    ];

    private static readonly string[] Histograms = ["request_duration_seconds", "time_to_first_byte_seconds", "attempt_duration_seconds"];

    [Theory]
    [InlineData("prometheus/alerts.yml")]
    [InlineData("prometheus/alerts.test.yml")]
    [InlineData("grafana/resilient-proxy.json")]
    public void Every_metric_asked_for_is_one_that_the_proxy_has(string file)
    {
        string[] known = [.. Metrics, .. Histograms.SelectMany(name => new[] { name, name + "_bucket", name + "_sum", name + "_count" })];

        var asked = MetricName().Matches(File.ReadAllText(Path.Combine(ConfigFolder, file))).Select(match => match.Value[Prefix.Length..]).Distinct().ToList();

        Assert.NotEmpty(asked);
        Assert.Empty(asked.Except(known));
    }

    [Fact]
    public void The_dashboard_shows_every_metric_of_requests_attempts_and_strategies()
    {
        var text = File.ReadAllText(Dashboard);

        var missing = Metrics.Concat(Histograms).Where(name => !text.Contains(Prefix + name, StringComparison.Ordinal));

        // An alert is what a certificate needs: nobody watches a graph for weeks.
        Assert.Equal(["tls_certificate_expiry_timestamp_seconds"], missing);
    }

    [Fact]
    public void Every_panel_has_its_own_id_and_asks_the_data_source_that_was_chosen()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));

        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToList();
        var drawn = panels.Where(panel => panel.GetProperty("type").GetString() != "row").ToList();

        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.NotEmpty(drawn);
        Assert.All(drawn, panel => Assert.Equal("${datasource}", panel.GetProperty("datasource").GetProperty("uid").GetString()));
        Assert.All(
            drawn.SelectMany(panel => panel.GetProperty("targets").EnumerateArray()),
            target => Assert.Equal("${datasource}", target.GetProperty("datasource").GetProperty("uid").GetString()));
    }

    [Fact]
    public void Every_variable_in_a_query_is_one_of_the_dashboard()
    {
        var text = File.ReadAllText(Dashboard);
        using var dashboard = JsonDocument.Parse(text);
        var variables = dashboard.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("name").GetString());

        var used = Variable().Matches(text).Select(match => match.Groups[1].Value).Where(name => !name.StartsWith("__", StringComparison.Ordinal));

        Assert.Equal(variables.Order(StringComparer.Ordinal), used.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_alert_says_how_urgent_it_is_and_what_to_look_at_first()
    {
        var alerts = File.ReadAllText(Alerts).Split("- alert: ").Skip(1).ToList();

        Assert.NotEmpty(alerts);
        Assert.All(alerts, alert =>
        {
            Assert.Matches("severity: (page|ticket)\n", alert);
            Assert.Contains("summary: ", alert);
            Assert.Matches(@"description: >-\n[\s\S]*Look\s+first\s", alert);
        });
    }

    [GeneratedRegex(@"(?<!\w)resilient_proxy_\w+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"\$\{?(\w+)")]
    private static partial Regex Variable();
}
