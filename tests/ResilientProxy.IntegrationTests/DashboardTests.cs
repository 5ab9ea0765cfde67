using System.Net;
using System.Text.RegularExpressions;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public partial class DashboardTests
{
    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/app.js", "text/javascript")]
    [InlineData("/style.css", "text/css")]
    public async Task The_page_is_served_with_a_policy_that_lets_it_load_nothing_from_elsewhere(string path, string type)
    {
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl()));

        using var response = await proxy.Admin.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        var text = await response.Content.ReadAsStringAsync();
        Assert.NotEmpty(text);
        Assert.DoesNotContain(
            Links().Matches(text).Select(link => link.Value), link => !link.StartsWith("http://www.w3.org/2000/svg", StringComparison.Ordinal));
        Assert.DoesNotContain("innerHTML", text);
    }

    [GeneratedRegex("https?://[^'\"\\s]+")]
    private static partial Regex Links();
}
