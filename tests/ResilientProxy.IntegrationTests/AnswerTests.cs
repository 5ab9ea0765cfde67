using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>The answers of the proxy's own: contract section 3.</summary>
public class AnswerTests
{
    [Fact]
    public async Task No_route_is_404_with_a_problem_that_explains_itself()
    {
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/only", "Methods": [ "GET" ] } } },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{RawUpstream.DeadUrl()}}" } } } }
            }
            """);

        using var response = await proxy.Client.GetAsync("/elsewhere");
        using var otherMethod = await proxy.Client.DeleteAsync("/only");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, otherMethod.StatusCode);
        Assert.StartsWith("resilient-proxy; error=destination_not_found; details=\"", response.Headers.GetValues("Proxy-Status").Single());
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(404, problem.GetProperty("status").GetInt32());
        Assert.Equal("destination_not_found", problem.GetProperty("reason").GetString());
        Assert.Equal(0, problem.GetProperty("attempts").GetInt32());
        Assert.Matches("^[0-9a-f]{32}$", problem.GetProperty("traceId").GetString());
        Assert.Equal(2, await proxy.MetricAsync("resilient_proxy_requests_total{route=\"(none)\",cluster=\"\",code=\"4xx\",outcome=\"rejected\"}"));
    }

    [Fact]
    public async Task A_dead_upstream_is_502_connection_refused_and_its_address_stays_unsaid()
    {
        var dead = RawUpstream.DeadUrl();
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", dead));

        using var response = await proxy.Client.GetAsync("/");

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "connection_refused");
        Assert.DoesNotContain(new Uri(dead).Port.ToString(System.Globalization.CultureInfo.InvariantCulture), await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_is_502_dns_error()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", "http://no-such-host.invalid/"));

        using var response = await proxy.Client.GetAsync("/");

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "dns_error");
    }

    [Fact]
    public async Task An_upstream_that_speaks_no_tls_is_502_tls_protocol_error()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url.Replace("http:", "https:", StringComparison.Ordinal)));

        using var response = await proxy.Client.GetAsync("/");

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "tls_protocol_error");
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-")]
    public async Task A_connection_that_dies_before_the_headers_is_502_connection_terminated(string sent)
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(sent);
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var response = await proxy.Client.PostAsync("/", new StringContent("x"));

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "connection_terminated");
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n\r\n")]
    [InlineData("HTTP/1.1 abc OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")]
    public async Task A_malformed_answer_is_502_http_protocol_error(string answer)
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var response = await proxy.Client.PostAsync("/", new StringContent("x"));

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "http_protocol_error");
    }

    [Fact]
    public async Task A_proxy_that_forwards_to_itself_is_508()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("", "", proxy.Url))));

        using var response = await proxy.Client.GetAsync("/");

        await AssertErrorAsync(response, HttpStatusCode.LoopDetected, "proxy_loop_detected");
    }

    [Theory]
    [InlineData("\"Timeouts\": { \"Attempt\": \"100ms\" }", true, "4")]
    [InlineData("", false, "14")]
    public async Task A_grpc_client_gets_its_own_kind_of_answer(string resilience, bool hangs, string status)
    {
        await using var upstream = await Upstream.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute(resilience, "", hangs ? upstream.Url : RawUpstream.DeadUrl()),
            endpoints: "\"Grpc\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/s/m") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent([]);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc+proto");

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, response.Headers.GetValues("grpc-status").Single());
        Assert.NotEmpty(response.Headers.GetValues("grpc-message").Single());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    private static async Task AssertErrorAsync(HttpResponseMessage response, HttpStatusCode status, string word)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Contains($"error={word};", response.Headers.GetValues("Proxy-Status").Single());
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.Equal(word, problem.GetProperty("reason").GetString());
    }
}
