using System.Net;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>The time of day may be set while the program runs: nothing that lasts is measured by it.</summary>
public class ClockTests
{
    [Theory]
    [InlineData(-3650)]
    [InlineData(3650)]
    public async Task A_clock_that_is_set_expires_nothing_and_brings_nothing_back(int days)
    {
        var status = 500;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = context.Request.Path == "/health" ? 200 : Volatile.Read(ref status);
            return Task.CompletedTask;
        });
        var clock = new SteppedTime();
        await using var proxy = await RunningProxy.StartAsync(
            $$"""
            {
              "Routes": {
                "open": { "ClusterId": "open", "Match": { "Path": "/open" }, "Resilience": { "Retry": "off" } },
                "limited": { "ClusterId": "steady", "Match": { "Path": "/limited" },
                  "Resilience": { "Retry": "off", "RateLimiter": { "Algorithm": "FixedWindow", "PermitLimit": 1, "Window": "10m", "PartitionBy": "route" } } },
                "held": { "ClusterId": "steady", "Match": { "Path": "/held" }, "Resilience": { "Retry": "off" } }
              },
              "Clusters": {
                "open": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } },
                  "Resilience": { "CircuitBreaker": { "ConsecutiveFailures": 1, "BreakDuration": "10m", "MaxBreakDuration": "10m" } } },
                "steady": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } }, "Resilience": { "CircuitBreaker": "off" },
                  "HealthCheck": { "Active": { "Enabled": true, "Interval": "1s", "Timeout": "1s", "Path": "/health" } } }
              }
            }
            """,
            time: clock);
        await proxy.Client.GetAsync("/open");
        Volatile.Write(ref status, 200);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/open")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/limited")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await proxy.Client.GetAsync("/limited")).StatusCode);

        clock.Step(TimeSpan.FromDays(days));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/open")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await proxy.Client.GetAsync("/limited")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Client.GetAsync("/held")).StatusCode);
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_destination_healthy{cluster=\"steady\",destination=\"a\"}"));
        var lines = await proxy.AccessLogAsync(7);
        Assert.All(lines, line => Assert.InRange(line.GetProperty("durationMs").GetDouble(), 0, 60_000));

        // Checks go on, and reload and admin answer.
        var checks = upstream.Requests.Count(request => request == "GET /health");
        await Eventually.TrueAsync(() => upstream.Requests.Count(request => request == "GET /health") > checks + 1, "further health checks");
        Assert.True((await proxy.App.Reloader.ReloadAsync()).Successful);
        Assert.Contains("\"open\"", await proxy.Admin.GetStringAsync("/state"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/open")).StatusCode);
    }

    // The real clock, whose time of day can be set; spans are measured by another hand, as in every system.
    private sealed class SteppedTime : TimeProvider
    {
        private long _step;

        public void Step(TimeSpan step) => Interlocked.Add(ref _step, step.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _step));
    }
}
