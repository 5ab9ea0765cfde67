using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class ForwardedHeadersTests
{
    private const string BelieveLoopback = "\"ForwardedHeaders\": { \"KnownProxies\": [ \"127.0.0.1\" ] }";
    private const string BelieveOthers = "\"ForwardedHeaders\": { \"KnownProxies\": [ \"10.0.0.0/8\" ] }";

    [Fact]
    public async Task What_a_known_proxy_says_is_kept_and_added_to()
    {
        var seen = await SeenAsync(BelieveLoopback, "", said: true);

        Assert.Equal("192.0.2.1,127.0.0.1", seen("X-Forwarded-For"));
        Assert.Equal("https", seen("X-Forwarded-Proto"));
        Assert.Equal("shop.example", seen("X-Forwarded-Host"));
        Assert.Equal("/shop", seen("X-Forwarded-Prefix"));
        Assert.Equal("for=192.0.2.1", seen("Forwarded"));
    }

    [Fact]
    public async Task What_a_known_proxy_does_not_say_is_set()
    {
        var seen = await SeenAsync(BelieveLoopback, "", said: false);

        Assert.Equal("127.0.0.1", seen("X-Forwarded-For"));
        Assert.Equal("http", seen("X-Forwarded-Proto"));
        Assert.StartsWith("127.0.0.1:", seen("X-Forwarded-Host"), StringComparison.Ordinal);
        Assert.Equal("", seen("X-Forwarded-Prefix"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(BelieveOthers)]
    public async Task What_anybody_else_says_is_dropped(string knownProxies)
    {
        var seen = await SeenAsync(knownProxies, "", said: true);

        Assert.Equal("127.0.0.1", seen("X-Forwarded-For"));
        Assert.Equal("http", seen("X-Forwarded-Proto"));
        Assert.StartsWith("127.0.0.1:", seen("X-Forwarded-Host"), StringComparison.Ordinal);
        Assert.Equal("", seen("X-Forwarded-Prefix"));
        Assert.Equal("", seen("Forwarded"));
    }

    [Theory]
    [InlineData("\"Append\"", "192.0.2.1,127.0.0.1")]
    [InlineData("\"Off\"", "192.0.2.1")]
    [InlineData("\"Remove\"", "")]
    public async Task A_routes_own_transform_has_its_way(string action, string expected)
    {
        var seen = await SeenAsync("", $", \"Transforms\": [ {{ \"X-Forwarded\": {action} }} ]", said: true);

        Assert.Equal(expected, seen("X-Forwarded-For"));
    }

    [Fact]
    public async Task Other_transforms_and_headers_that_are_not_copied_change_nothing()
    {
        var seen = await SeenAsync(BelieveLoopback, ", \"Transforms\": [ { \"RequestHeadersCopy\": \"false\" }, { \"RequestHeader\": \"X-Mine\", \"Set\": \"1\" } ]", said: true);

        Assert.Equal("1", seen("X-Mine"));
        Assert.Equal("192.0.2.1,127.0.0.1", seen("X-Forwarded-For"));
        Assert.Equal("https", seen("X-Forwarded-Proto"));
    }

    private static async Task<Func<string, string>> SeenAsync(string more, string route, bool said)
    {
        Dictionary<string, string> seen = [];
        await using var upstream = await Upstream.StartAsync(context =>
        {
            seen = context.Request.Headers.ToDictionary(header => header.Key, header => string.Join(',', header.Value.ToArray()).Replace(", ", ",", StringComparison.Ordinal), StringComparer.OrdinalIgnoreCase);
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(
            $$"""
            {
              "Routes": { "route": { "ClusterId": "cluster", "Match": { "Path": "/{**rest}" }{{route}} } },
              "Clusters": { "cluster": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } } } }
            }
            """,
            more);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        if (said)
        {
            request.Headers.Add("X-Forwarded-For", "192.0.2.1");
            request.Headers.Add("X-Forwarded-Proto", "https");
            request.Headers.Add("X-Forwarded-Host", "shop.example");
            request.Headers.Add("X-Forwarded-Prefix", "/shop");
            request.Headers.Add("Forwarded", "for=192.0.2.1");
        }

        using var response = await proxy.Client.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return name => seen.GetValueOrDefault(name, "");
    }
}
