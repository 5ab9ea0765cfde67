using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.Admission;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class OverloadTests
{
    [Fact]
    public async Task An_overloaded_proxy_refuses_new_requests_lets_the_ones_it_has_end_and_answers_its_probes()
    {
        var memory = 0.1;
        var release = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            arrived.TrySetResult();
            await release.Task;
            await context.Response.WriteAsync("ended");
        });
        var probes = new OverloadProbes(() => Volatile.Read(ref memory), static measured => measured(TimeSpan.Zero), static () => { });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url), "\"Overload\": { \"MaxMemory\": 0.9 }", endpoints: null, time: null, probes);
        var slow = proxy.Client.GetStringAsync("/");
        await arrived.Task;
        Assert.Contains("resilient_proxy_overload_rejected_total{reason=\"queue_delay\"} 0", await proxy.Admin.GetStringAsync("/metrics"), StringComparison.Ordinal);

        Volatile.Write(ref memory, 0.97);
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_overload_active") == 1, "the overload");
        using var refused = await proxy.Client.GetAsync("/");
        using var probe = await proxy.Admin.GetAsync("/health/ready");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        Assert.StartsWith("resilient-proxy; error=connection_limit_reached;", refused.Headers.GetValues("Proxy-Status").Single(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, probe.StatusCode);
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_overload_rejected_total{reason=\"memory\"}"));
        Assert.Equal(0.97, await proxy.MetricAsync("resilient_proxy_overload_memory_ratio"));
        Assert.Equal("overloaded", (await proxy.AccessLogAsync(1))[0].GetProperty("reason").GetString());
        Assert.Single(upstream.Requests);

        release.SetResult();
        Assert.Equal("ended", await slow);
        Volatile.Write(ref memory, 0.1);
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_overload_active") == 0, "the end of it");
        Assert.Equal("ended", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_guard_that_is_off_refuses_nothing_and_a_reload_switches_it_on()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        var probes = new OverloadProbes(static () => 5, static measured => measured(TimeSpan.FromMinutes(1)), static () => { });
        var section = RunningProxy.OneRoute("", "", upstream.Url);
        await using var proxy = await RunningProxy.StartAsync(section, "\"Overload\": \"off\"", endpoints: null, time: null, probes);
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_overload_memory_ratio") == 5, "a measurement");
        Assert.Equal("ok", await proxy.Client.GetStringAsync("/"));

        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(section, "\"Overload\": { \"MaxMemory\": \"off\", \"MaxQueueDelay\": \"20ms\" }")));

        await Eventually.TrueAsync(
            async () =>
            {
                using var response = await proxy.Client.GetAsync("/");
                return response.StatusCode == HttpStatusCode.ServiceUnavailable;
            },
            "a refusal");
        Assert.InRange(await proxy.MetricAsync("resilient_proxy_overload_rejected_total{reason=\"queue_delay\"}"), 1, 1000);
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_overload_rejected_total{reason=\"memory\"}"));
    }
}
