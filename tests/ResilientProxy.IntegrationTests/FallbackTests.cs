using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class FallbackTests
{
    private const string Static = "\"Retry\": \"off\", \"Fallback\": { \"Body\": \"{\\\"items\\\":[]}\", \"Headers\": { \"X-Stale\": \"1\" } }";

    [Fact]
    public async Task A_static_answer_stands_in_for_a_dead_upstream_and_says_so()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Static, "", RawUpstream.DeadUrl()));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("{\"items\":[]}", await response.Content.ReadAsStringAsync());
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("1", response.Headers.GetValues("X-Stale").Single());
        var status = response.Headers.GetValues("Proxy-Status").Single();
        Assert.Contains("error=connection_refused", status);
        Assert.Contains("fallback=\"static\"", status);
        var line = Assert.Single(await proxy.AccessLogAsync(1));
        Assert.Equal("fallback", line.GetProperty("outcome").GetString());
        Assert.Equal("connection_refused", line.GetProperty("reason").GetString());
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_fallbacks_total{route=\"route\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_rescued_requests_total{route=\"route\",by=\"fallback\"}"));
    }

    [Theory]
    [InlineData(500, "{\"items\":[]}")]
    [InlineData(503, "{\"items\":[]}")]
    [InlineData(404, "upstream")]
    public async Task An_answer_of_the_upstream_is_replaced_where_its_status_is_listed(int upstreamStatus, string expected)
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = upstreamStatus;
            return context.Response.WriteAsync("upstream");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(Static, "", upstream.Url));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(expected, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_reason_that_is_not_listed_is_answered_as_ever()
    {
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": \"off\", \"Fallback\": { \"On\": [ \"timeout\" ], \"Body\": \"x\" }", "", RawUpstream.DeadUrl()));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task A_static_answer_stands_in_when_the_time_is_up()
    {
        await using var hangs = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Timeouts\": { \"Total\": \"200ms\" }, \"Fallback\": { \"Body\": \"late\" }", "", hangs.Url));

        Assert.Equal("late", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task Another_cluster_gets_the_request_with_its_body_when_the_first_one_is_dead()
    {
        await using var backup = await Upstream.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync($"backup {context.Request.Path} {await reader.ReadToEndAsync()}");
        });
        await using var proxy = await RunningProxy.StartAsync(WithBackup(RawUpstream.DeadUrl(), backup.Url));

        using var response = await proxy.Client.PostAsync("/orders", new StringContent("order"));

        Assert.Equal("backup /orders order", await response.Content.ReadAsStringAsync());
        Assert.Contains("fallback=\"backup\"", response.Headers.GetValues("Proxy-Status").Single());
        Assert.Equal("fallback", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task A_post_that_may_have_arrived_goes_to_no_other_cluster()
    {
        await using var resets = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            connection.Reset();
        });
        await using var backup = await Upstream.StartAsync(context => context.Response.WriteAsync("backup"));
        await using var proxy = await RunningProxy.StartAsync(WithBackup(resets.Url, backup.Url));

        using var response = await proxy.Client.PostAsync("/", new StringContent("order"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Empty(backup.Requests);
    }

    [Fact]
    public async Task A_backup_that_fails_as_well_is_what_the_caller_hears_of()
    {
        await using var proxy = await RunningProxy.StartAsync(WithBackup(RawUpstream.DeadUrl(), RawUpstream.DeadUrl()));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("upstream_error", Assert.Single(await proxy.AccessLogAsync(1)).GetProperty("outcome").GetString());
    }

    private static string WithBackup(string primary, string backup) => $$"""
        {
          "Routes": { "route": { "ClusterId": "primary", "Match": { "Path": "/{**rest}" }, "Resilience": { "Fallback": { "ClusterId": "backup" } } } },
          "Clusters": {
            "primary": { "Destinations": { "a": { "Address": "{{primary}}" } } },
            "backup": { "Destinations": { "b": { "Address": "{{backup}}" } } }
          }
        }
        """;
}
