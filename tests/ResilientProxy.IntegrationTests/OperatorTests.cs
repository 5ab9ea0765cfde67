using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class OperatorTests
{
    [Fact]
    public async Task An_isolated_destination_gets_no_request_until_it_is_closed()
    {
        await using var a = await Upstream.StartAsync(context => context.Response.WriteAsync("a"));
        await using var b = await Upstream.StartAsync(context => context.Response.WriteAsync("b"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "\"LoadBalancingPolicy\": \"RoundRobin\"", a.Url, b.Url));

        var answer = await PostAsync(proxy, "/circuits/cluster/a/isolate");
        Assert.Equal("isolated", answer.GetProperty("breaker").GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("breaker").GetProperty("nextProbeIn").ValueKind);
        Assert.Empty(answer.GetProperty("alsoAffects").EnumerateArray());
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal("b", await proxy.Client.GetStringAsync("/"));
        }

        Assert.Equal(3, await proxy.MetricAsync("resilient_proxy_circuit_breaker_state{cluster=\"cluster\",destination=\"a\"}"));
        await PostAsync(proxy, "/circuits/cluster/a/close");
        Assert.Contains("a", await Task.WhenAll(proxy.Client.GetStringAsync("/"), proxy.Client.GetStringAsync("/")));
    }

    [Fact]
    public async Task A_ttl_ends_the_operators_word_by_itself()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        var answer = await PostAsync(proxy, "/circuits/cluster/a/isolate?ttl=300ms");

        Assert.True(answer.GetProperty("breaker").GetProperty("byOperator").GetBoolean());
        Assert.NotEqual(JsonValueKind.Null, answer.GetProperty("breaker").GetProperty("operatorUntil").ValueKind);
        await Eventually.TrueAsync(async () => (await proxy.Client.GetAsync("/")).StatusCode == HttpStatusCode.OK, "the end of the isolation");
    }

    [Fact]
    public async Task A_reset_forgets_an_open_circuit()
    {
        await using var upstream = await Upstream.StartAsync(StateTests.Fails);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Retry\": \"off\"", "\"Resilience\": { \"CircuitBreaker\": { \"ConsecutiveFailures\": 1 } }", upstream.Url));
        (await proxy.Client.GetAsync("/")).Dispose();
        await StateTests.StateWhenAsync(proxy, state => StateTests.BreakerOf(state, "a").GetProperty("state").GetString() == "open");

        var answer = await PostAsync(proxy, "/circuits/cluster/a/reset?ttl=60s");

        Assert.Equal("closed", answer.GetProperty("breaker").GetProperty("state").GetString());
        Assert.Contains("ttl", answer.GetProperty("note").GetString());
    }

    [Theory]
    [InlineData("Cluster")]
    [InlineData("Route")]
    public async Task Isolating_a_shared_circuit_works_and_names_what_it_takes_along(string scope)
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", $"\"Resilience\": {{ \"CircuitBreaker\": {{ \"Scope\": \"{scope}\" }} }}", upstream.Url, upstream.Url + "b/"));

        var answer = await PostAsync(proxy, "/circuits/cluster/a/isolate");

        Assert.Equal("b", Assert.Single(answer.GetProperty("alsoAffects").EnumerateArray()).GetString());
        Assert.Contains("shared", answer.GetProperty("note").GetString());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/")).StatusCode);
    }

    [Fact]
    public async Task Every_routes_own_circuit_of_the_destination_is_isolated()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "one": { "ClusterId": "cluster", "Match": { "Path": "/one" } },
                "two": { "ClusterId": "cluster", "Match": { "Path": "/two" } }
              },
              "Clusters": { "cluster": {
                "Destinations": { "a": { "Address": "{{upstream.Url}}" } },
                "Resilience": { "CircuitBreaker": { "Scope": "RouteDestination" } }
              } }
            }
            """);

        var answer = await PostAsync(proxy, "/circuits/cluster/a/isolate");

        Assert.Equal(2, answer.GetProperty("circuits").GetInt32());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/one")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.Client.GetAsync("/two")).StatusCode);
    }

    [Theory]
    [InlineData("/circuits/cluster/a/isolate?ttl=soon", 400, "duration")]
    [InlineData("/circuits/cluster/a/isolate?ttl=0s", 400, "duration")]
    [InlineData("/circuits/cluster/a/isolate?ttl=5", 400, "duration")]
    [InlineData("/circuits/nowhere/a/isolate", 404, "\"cluster\"")]
    [InlineData("/circuits/cluster/z/isolate", 404, "\"a\", \"b\"")]
    [InlineData("/circuits/cluster/a/open", 404, "\"close\", \"isolate\", \"reset\"")]
    public async Task A_wrong_circuit_verb_is_refused_with_what_there_is(string path, int status, string named)
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl(), RawUpstream.DeadUrl()));

        using var response = await proxy.Admin.PostAsync(path, null);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(named, await response.Content.ReadAsStringAsync());
        Assert.DoesNotContain(proxy.Log.Lines, line => line.Contains("Operator at", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cluster_without_breakers_has_none_to_isolate()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "\"Resilience\": { \"CircuitBreaker\": \"off\" }", RawUpstream.DeadUrl()));

        using var response = await proxy.Admin.PostAsync("/circuits/cluster/a/isolate", null);

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Contains("CircuitBreaker", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Each_verb_leaves_one_line_with_what_and_from_where()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));

        await PostAsync(proxy, "/circuits/cluster/a/isolate?ttl=60s");
        await PostAsync(proxy, "/circuits/cluster/a/reset");
        (await proxy.Admin.PostAsync("/reload", null)).Dispose();

        Assert.Equal(
            [
                "Information ResilientProxy.Admin: Operator at 127.0.0.1: isolate cluster/a for 1m.",
                "Information ResilientProxy.Admin: Operator at 127.0.0.1: reset cluster/a.",
                "Information ResilientProxy.Admin: Operator at 127.0.0.1: reload.",
            ],
            proxy.Log.Lines.Where(line => line.Contains("Operator at", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/circuits/cluster/a/isolate")]
    [InlineData("/reload")]
    [InlineData("/drain")]
    public async Task With_a_token_every_verb_asks_for_it_and_reading_does_not(string verb)
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()), admin: "\"Token\": \"s3cret\"");

        using var without = await proxy.Admin.PostAsync(verb, null);
        using var wrong = await SendAsync(proxy, verb, "s3cre");

        Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
        Assert.Equal("Bearer", without.Headers.WwwAuthenticate.Single().Scheme);
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Admin.GetAsync("/state")).StatusCode);
        Assert.Equal(2, proxy.Log.Lines.Count(line => line.Contains("was refused", StringComparison.Ordinal)));
        using var right = await SendAsync(proxy, verb, "s3cret");
        Assert.True(right.IsSuccessStatusCode);

        static Task<HttpResponseMessage> SendAsync(RunningProxy proxy, string verb, string token)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, verb);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return proxy.Admin.SendAsync(request);
        }
    }

    [Fact]
    public async Task A_page_of_another_origin_cannot_isolate()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/circuits/cluster/a/isolate");
        request.Headers.Add("Origin", "http://evil.example");

        using var response = await proxy.Admin.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("closed", StateTests.BreakerOf(await StateTests.StateAsync(proxy), "a").GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_wrong_path_or_method_is_told_what_there_is()
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));

        using var path = await proxy.Admin.GetAsync("/stat");
        using var method = await proxy.Admin.PostAsync("/state", null);

        Assert.Equal(HttpStatusCode.NotFound, path.StatusCode);
        Assert.Contains("/state", await path.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.MethodNotAllowed, method.StatusCode);
        Assert.Contains("this path takes GET", await method.Content.ReadAsStringAsync());
    }

    private static async Task<JsonElement> PostAsync(RunningProxy proxy, string path)
    {
        using var response = await proxy.Admin.PostAsync(path, null);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text.StartsWith('{') ? JsonDocument.Parse(text).RootElement : default;
    }
}
