using System.Text;
using System.Text.Json;
using ResilientProxy.Configuration;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Configuration;

public class ConfigFileTests
{
    private const string Small = """
        {
          "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
          "Admin": { "Url": "http://127.0.0.1:0", "Token": "s3cret" },
          "Resilience": { "Policies": { "quick": { "Timeouts": { "Total": "3s", "Attempt": "1s" } } } },
          "ReverseProxy": {
            "Routes": {
              "plain": { "ClusterId": "c", "Match": { "Path": "/plain" } },
              "named": { "ClusterId": "c", "Match": { "Path": "/named" }, "Resilience": { "Policy": "quick", "Timeouts": { "Attempt": "2s" } } },
              "none": { "ClusterId": "c", "Match": { "Path": "/none" }, "Resilience": { "Policy": "none" } }
            },
            "Clusters": { "c": { "Destinations": { "a": { "Address": "http://127.0.0.1:1/" } } } }
          }
        }
        """;

    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("2s", 2000)]
    [InlineData("1.5m", 90_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("00:00:02", 2000)]
    [InlineData("0s", 0)]
    public void A_duration_is_read_and_written_back_to_one_that_reads_the_same(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var value));
        Assert.Equal(milliseconds, value.TotalMilliseconds);
        Assert.True(Duration.TryParse(Duration.Format(value), out var again));
        Assert.Equal(value, again);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("-5s")]
    [InlineData("1e3s")]
    [InlineData("5 s")]
    [InlineData("s")]
    [InlineData("")]
    [InlineData("99999999999999999999h")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("65536", 65536)]
    [InlineData("64KiB", 65536)]
    [InlineData("1MiB", 1048576)]
    [InlineData("1.5GiB", 1610612736)]
    public void A_size_is_read(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var value));
        Assert.Equal(bytes, value);
    }

    [Fact]
    public void Built_in_defaults_come_before_the_named_policy_and_that_before_the_routes_own_values()
    {
        var routes = Parse(Small).Config!.Routes.ToDictionary(route => route.Yarp.RouteId, route => route.Options.Timeouts);

        Assert.Equal((30, 10, 60), Seconds("plain"));
        Assert.Equal((3, 2, 60), Seconds("named"));
        Assert.Equal(Timeout.InfiniteTimeSpan, routes["none"].Total);
        Assert.Equal(Timeout.InfiniteTimeSpan, routes["none"].Attempt);
        Assert.Equal(60, routes["none"].Idle.TotalSeconds);

        (double, double, double) Seconds(string route) => (routes[route].Total.TotalSeconds, routes[route].Attempt.TotalSeconds, routes[route].Idle.TotalSeconds);
    }

    [Fact]
    public void A_digest_changes_with_the_content_and_with_nothing_else()
    {
        var before = Parse(Small).Config!;
        var spaced = Parse(Small.Replace("\n", "\n  // a comment\n", StringComparison.Ordinal)).Config!;
        var policy = Parse(Small.Replace("\"Total\": \"3s\"", "\"Total\": \"4s\"", StringComparison.Ordinal)).Config!;

        Assert.Equal(before.Routes.Select(route => route.Digest), spaced.Routes.Select(route => route.Digest));
        Assert.Equal(before.Clusters.Select(cluster => cluster.Digest), spaced.Clusters.Select(cluster => cluster.Digest));
        Assert.Equal(["named"], before.Routes.Zip(policy.Routes).Where(pair => pair.First.Digest != pair.Second.Digest).Select(pair => pair.First.Yarp.RouteId));
    }

    [Fact]
    public void Arguments_win_over_variables_and_variables_over_the_file()
    {
        var result = ConfigFile.Parse(
            Encoding.UTF8.GetBytes(Small),
            [KeyValuePair.Create("Admin__DrainDelay", "7s"), KeyValuePair.Create("Admin__DrainTimeout", "8s"), KeyValuePair.Create("PATH", "/bin")],
            ["--Admin:DrainTimeout=9s", "--ReverseProxy:Clusters:c:Destinations:b:Address", "http://127.0.0.1:2/"]);

        Assert.Equal(TimeSpan.FromSeconds(7), result.Config!.Admin.DrainDelay);
        Assert.Equal(TimeSpan.FromSeconds(9), result.Config.Admin.DrainTimeout);
        Assert.Equal(2, result.Config.Clusters[0].Yarp.Destinations!.Count);
    }

    [Fact]
    public void The_effective_config_is_json_with_defaults_and_without_secrets()
    {
        var json = Encoding.UTF8.GetString(Parse(Small).Config!.EffectiveJson.Value);

        Assert.DoesNotContain("s3cret", json);
        var routes = JsonDocument.Parse(json).RootElement.GetProperty("ReverseProxy").GetProperty("Routes");
        Assert.Equal("3s", routes.GetProperty("named").GetProperty("Resilience").GetProperty("Timeouts").GetProperty("Total").GetString());
        Assert.Equal("off", routes.GetProperty("none").GetProperty("Resilience").GetProperty("Timeouts").GetProperty("Total").GetString());
    }

    [Fact]
    public void Keys_are_read_whatever_their_case_as_everywhere_in_asp_net()
    {
        var config = Parse(Small.Replace("\"Timeouts\"", "\"timeouts\"", StringComparison.Ordinal)).Config!;

        Assert.Equal(TimeSpan.FromSeconds(3), config.Routes[1].Options.Timeouts.Total);
    }

    [Fact]
    public void Routes_that_name_a_policy_and_nothing_else_share_its_options()
    {
        var result = Parse("""
            {
              "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
              "Resilience": { "Policies": { "quick": { "Timeouts": { "Total": "3s" } } } },
              "ReverseProxy": {
                "Routes": {
                  "a": { "ClusterId": "c", "Match": { "Path": "/a" }, "Resilience": { "Policy": "quick" } },
                  "b": { "ClusterId": "c", "Match": { "Path": "/b" }, "Resilience": { "Policy": "quick" } },
                  "own": { "ClusterId": "c", "Match": { "Path": "/c" }, "Resilience": { "Policy": "quick", "Timeouts": { "Attempt": "2s" } } },
                  "plain": { "ClusterId": "c", "Match": { "Path": "/d" } },
                  "plain too": { "ClusterId": "c", "Match": { "Path": "/e" }, "Resilience": {} }
                },
                "Clusters": { "c": { "Destinations": { "d": { "Address": "http://127.0.0.1:1/" } } } }
              }
            }
            """);
        var options = result.Config!.Routes.ToDictionary(route => route.Yarp.RouteId, route => route.Options);

        Assert.Same(options["a"], options["b"]);
        Assert.Same(options["plain"], options["plain too"]);
        Assert.Equal(TimeSpan.FromSeconds(3), options["a"].Timeouts.Total);
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(2)), (options["own"].Timeouts.Total, options["own"].Timeouts.Attempt));
        Assert.Equal(TimeSpan.FromSeconds(30), options["plain"].Timeouts.Total);
    }

    private static ConfigResult Parse(string text) => ConfigFile.Parse(Encoding.UTF8.GetBytes(text), [], []);
}
