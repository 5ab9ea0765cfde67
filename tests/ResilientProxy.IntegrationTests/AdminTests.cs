using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class AdminTests
{
    [Fact]
    public async Task The_probes_say_live_and_ready_and_not_ready_from_the_moment_a_drain_begins()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(_ => release.Task);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        Assert.Equal(HttpStatusCode.OK, (await proxy.Admin.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Admin.GetAsync("/health/ready")).StatusCode);

        var inFlight = proxy.Client.GetAsync("/");
        await Eventually.TrueAsync(() => !upstream.Requests.IsEmpty, "the request in flight");
        var draining = proxy.DrainAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Admin.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Admin.GetAsync("/health/live")).StatusCode);
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await inFlight).StatusCode);
        await draining;
    }

    [Fact]
    public async Task During_the_drains_delay_answers_ask_the_client_to_close_its_connection()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using var before = await proxy.Client.GetAsync("/");
        Assert.NotEqual(true, before.Headers.ConnectionClose);

        proxy.App.Drain.Begin();
        using var during = await proxy.Client.GetAsync("/");

        Assert.True(during.Headers.ConnectionClose);
    }

    [Fact]
    public async Task The_config_is_shown_with_defaults_and_without_secrets()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()), "\"Resilience\": {}");
        var text = (await File.ReadAllTextAsync(proxy.ConfigPath)).Replace("\"DrainDelay\"", "\"Token\": \"s3cret\", \"DrainDelay\"", StringComparison.Ordinal);
        Assert.True(await proxy.ReloadAsync(text));

        var config = await proxy.Admin.GetStringAsync("/config");

        Assert.DoesNotContain("s3cret", config);
        var route = JsonDocument.Parse(config).RootElement.GetProperty("ReverseProxy").GetProperty("Routes").GetProperty("route");
        Assert.Equal("30s", route.GetProperty("Resilience").GetProperty("Timeouts").GetProperty("Total").GetString());
    }

    [Fact]
    public async Task Verbs_are_refused_to_pages_of_other_origins_and_without_the_token()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/reload");
        foreign.Headers.Add("Origin", "http://evil.example");

        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.Admin.SendAsync(foreign)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Admin.PostAsync("/reload", null)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await proxy.Admin.GetAsync("/reload")).StatusCode);
    }

    [Fact]
    public async Task Metrics_count_what_happened_in_both_text_forms()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("hello"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        for (var i = 0; i < 3; i++)
        {
            await proxy.Client.GetStringAsync("/");
        }

        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_requests_total{route=\"route\",cluster=\"cluster\",code=\"2xx\",outcome=\"success\"}") == 3, "three requests");
        Assert.Equal(3, await proxy.MetricAsync("resilient_proxy_request_duration_seconds_count{route=\"route\"}"));
        Assert.Equal(3, await proxy.MetricAsync("resilient_proxy_time_to_first_byte_seconds_count{route=\"route\"}"));
        Assert.Equal(3, await proxy.MetricAsync("resilient_proxy_attempts_total{cluster=\"cluster\",destination=\"a\",outcome=\"success\"}"));
        Assert.Equal(15, await proxy.MetricAsync("resilient_proxy_client_bytes_total{route=\"route\",direction=\"out\"}"));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_requests_in_flight{route=\"route\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_config_last_reload_successful"));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Accept.ParseAdd("application/openmetrics-text;version=1.0.0");
        using var response = await proxy.Admin.SendAsync(request);
        Assert.Equal("application/openmetrics-text", response.Content.Headers.ContentType?.MediaType);
        Assert.EndsWith("# EOF\n", await response.Content.ReadAsStringAsync());
    }
}
