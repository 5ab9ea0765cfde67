using System.Text;
using System.Text.Json;
using ResilientProxy.Cli;
using ResilientProxy.Configuration;
using ResilientProxy.Configuration.Explain;

namespace ResilientProxy.UnitTests.Configuration;

/// <summary>Configs and how they are explained: one file each, the config, a line of dashes, the text.</summary>
public sealed class ExplainTests : IDisposable
{
    private const string Dashes = "\n----------\n";

    private static readonly string Folder = Path.Combine(SchemaTests.RepositoryRoot(), "tests/ResilientProxy.UnitTests/Configuration/Explained");

    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("resilient-proxy-explain-");

    public void Dispose() => _files.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void A_config_is_explained_by_exactly_this_text(string name)
    {
        var parts = File.ReadAllText(Path.Combine(Folder, name)).Split(Dashes);

        var (exit, output, errors) = Explain(parts[0]);

        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Path.Combine(Folder, name), $"{parts[0]}{Dashes}{output}");
            parts = [parts[0], output];
        }

        Assert.Equal((0, ""), (exit, errors));
        Assert.Equal(parts[1], output);
    }

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Fact]
    public void The_json_form_has_one_object_a_route_with_values_and_origins()
    {
        var (exit, output, _) = Explain(Config("""
            "Timeouts": { "Total": "3s" }, "Retry": { "MaxReplayBytes": 131072, "On": [ "503", "reset" ] }
            """), asJson: true);

        var route = JsonDocument.Parse(output).RootElement.GetProperty("routes")[0];
        var policy = route.GetProperty("policy");

        Assert.Equal(0, exit);
        Assert.Equal("r", route.GetProperty("id").GetString());
        Assert.Equal("c", route.GetProperty("cluster").GetString());
        Assert.Equal("3s", route.GetProperty("worstCaseTime").GetString());
        Assert.Equal(3, route.GetProperty("maxAttempts").GetInt32());
        Assert.Equal(3, route.GetProperty("maxAmplification").GetInt32());
        Assert.Equal(1.2, route.GetProperty("sustainedAmplification").GetDouble());
        Assert.Equal("3s", policy.GetProperty("Timeouts.Total").GetProperty("value").GetString());
        Assert.StartsWith("route ($.ReverseProxy.Routes.r.Resilience.Timeouts.Total, line ", policy.GetProperty("Timeouts.Total").GetProperty("origin").GetString(), StringComparison.Ordinal);
        Assert.Equal("128KiB", policy.GetProperty("Retry.MaxReplayBytes").GetProperty("value").GetString());
        Assert.Equal(["503", "reset"], policy.GetProperty("Retry.On").GetProperty("value").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(2, policy.GetProperty("Retry.MaxRetryAttempts").GetProperty("value").GetInt32());
        Assert.Equal("built in", policy.GetProperty("Retry.MaxRetryAttempts").GetProperty("origin").GetString());
        Assert.Equal("off", policy.GetProperty("Hedging").GetProperty("value").GetString());
        Assert.Equal(1024, route.GetProperty("clusterProtection").GetProperty("Bulkhead.MaxConcurrent").GetProperty("value").GetInt32());
    }

    [Fact]
    public void Every_key_of_the_options_is_explained()
    {
        var (_, output, _) = Explain(Config(""" "Deadline": {}, "Hedging": {}, "Fallback": { "Body": "x" } """), asJson: true);

        var keys = JsonDocument.Parse(output).RootElement.GetProperty("routes")[0].GetProperty("policy").EnumerateObject().Select(value => value.Name.Split('.')[0]);

        Assert.Empty(typeof(RouteOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name).Except(keys));
    }

    [Fact]
    public void Values_of_variables_and_arguments_say_so()
    {
        var (_, output, _) = Explain(
            Config(""" "Timeouts": { "Total": "3s" } """),
            asJson: true,
            variables: [new("ReverseProxy__Routes__r__Resilience__Timeouts__Total", "4s"), new("ReverseProxy__Clusters__c__Resilience__ConnectTimeout", "1s")],
            overrides: ["--ReverseProxy:Routes:r:Resilience:Timeouts:Attempt=2s"]);

        var route = JsonDocument.Parse(output).RootElement.GetProperty("routes")[0];

        Assert.Equal("environment ReverseProxy__Routes__r__Resilience__Timeouts__Total", OriginOf("policy", "Timeouts.Total"));
        Assert.Equal("command line --ReverseProxy:Routes:r:Resilience:Timeouts:Attempt", OriginOf("policy", "Timeouts.Attempt"));
        Assert.Equal("environment ReverseProxy__Clusters__c__Resilience__ConnectTimeout", OriginOf("clusterProtection", "ConnectTimeout"));
        Assert.Equal("4s", route.GetProperty("worstCaseTime").GetString());

        string? OriginOf(string part, string key) => route.GetProperty(part).GetProperty(key).GetProperty("origin").GetString();
    }

    [Fact]
    public void Headers_that_carry_credentials_are_masked()
    {
        var (_, output, _) = Explain(Config(""" "Fallback": { "Headers": { "Authorization": "Bearer abc", "X-Api-Key": "def", "X-Plain": "shown" } } """));

        Assert.DoesNotContain("abc", output);
        Assert.DoesNotContain("def\"", output);
        Assert.Contains("shown", output);
    }

    [Theory]
    [InlineData("R", 0, "")]
    [InlineData("q", 2, "resilient-proxy: there is no route \"q\"; did you mean \"r\"?\n")]
    [InlineData("nothing-like-it", 2, "resilient-proxy: there is no route \"nothing-like-it\"; known: r\n")]
    public void One_route_may_be_asked_for_and_an_unknown_one_is_named(string route, int exit, string errors) =>
        Assert.Equal((exit, errors), Explain(Config(""), route: route) is var result ? (result.Exit, result.Errors) : default);

    [Fact]
    public void A_config_with_errors_is_exit_code_1_and_its_findings()
    {
        var (exit, output, _) = Explain(Config(""" "Timeouts": { "Totl": "1s" } """));
        var (jsonExit, json, _) = Explain(Config(""" "Timeouts": { "Totl": "1s" } """), asJson: true);

        Assert.Equal((1, 1), (exit, jsonExit));
        Assert.Contains("error $.ReverseProxy.Routes.r.Resilience.Timeouts.Totl: is not a known key; did you mean \"Total\"?", output);
        Assert.Equal("$.ReverseProxy.Routes.r.Resilience.Timeouts.Totl", JsonDocument.Parse(json).RootElement.GetProperty("findings")[0].GetProperty("path").GetString());
    }

    [Fact]
    public void A_missing_file_is_exit_code_2()
    {
        using var errors = new StringWriter();

        Assert.Equal(2, ExplainCommand.Run(Path.Combine(_files.FullName, "missing.json"), null, false, [], [], TextWriter.Null, errors));
        Assert.Contains("missing.json cannot be read", errors.ToString());
    }

    [Theory]
    [InlineData("""  """, 2, 1, 3, 1.2)]
    [InlineData(""" "Retry": "off" """, 2, 1, 1, 1)]
    [InlineData(""" "Retry": { "MaxRetryAttempts": 0 } """, 2, 1, 1, 1)]
    [InlineData(""" "Retry": { "On": [] } """, 2, 1, 1, 1)]
    [InlineData(""" "Retry": { "MaxRetryAttempts": 1, "Budget": { "Ratio": 5 } } """, 2, 1, 2, 2)]
    [InlineData(""" "Hedging": {} """, 1, 1, 3, 1.2)]
    [InlineData(""" "Hedging": {} """, 2, 1, 4, 1.2)]
    [InlineData(""" "Hedging": {} """, 9, 1, 6, 1.2)]
    [InlineData(""" "Hedging": {}, "Retry": "off" """, 2, 1, 2, 1.02)]
    [InlineData(""" "Hedging": { "MaxHedgedAttempts": 3 }, "Retry": "off" """, 3, 1, 3, 1.02)]
    [InlineData(""" "Hedging": { "Delay": "10s" }, "Retry": "off" """, 3, 1, 1, 1)]
    [InlineData(""" "Fallback": { "ClusterId": "backup" } """, 2, 1, 6, 2.2)]
    [InlineData(""" "Fallback": { "ClusterId": "backup" }, "Hedging": {} """, 2, 2, 8, 2.2)]
    [InlineData(""" "Fallback": { "Body": "x" } """, 2, 1, 3, 1.2)]
    public void The_most_attempts_follow_from_retries_hedges_destinations_and_the_backup(
        string resilience, int destinations, int backups, int attempts, double sustained)
    {
        var route = RouteOf(Config(resilience, destinations, backups));

        Assert.Equal(attempts, route.Load.MaxAttempts);
        Assert.Equal(sustained, route.Load.Sustained, precision: 6);
    }

    [Theory]
    [InlineData(""" "Timeouts": { "Total": "7s" } """, "7s")]
    [InlineData(""" "Timeouts": { "Total": "off", "Attempt": "1s" } """, "4075ms")] // 3 attempts, 25 + 50 ms, and the cluster's queue
    [InlineData(""" "Timeouts": { "Total": "off", "Attempt": "1s" }, "Retry": { "MaxRetryAttempts": 3, "BackoffType": "Linear", "Delay": "1s", "MaxDelay": "2s" } """, "10s")]
    [InlineData(""" "Timeouts": { "Total": "off", "Attempt": "1s" }, "Retry": "off", "Hedging": { "Delay": "200ms" } """, "2200ms")]
    [InlineData(""" "Timeouts": { "Total": "off", "Attempt": "1s" }, "Retry": "off", "Fallback": { "ClusterId": "backup" } """, "4s")]
    [InlineData(""" "Timeouts": { "Total": "off", "Attempt": "1s" }, "Retry": "off", "Bulkhead": { "QueueTimeout": "5s" } """, "7s")]
    [InlineData(""" "Timeouts": { "Total": "off", "Attempt": "off" } """, "off")]
    [InlineData(""" "Policy": "none" """, "off")]
    public void The_longest_wait_is_the_total_or_the_sum_of_its_parts(string resilience, string worst) =>
        Assert.Equal(worst, ResilientProxy.Values.Duration.Format(RouteOf(Config(resilience)).Time.Worst));

    [Fact]
    public void A_wait_in_a_queue_counts_where_the_queue_has_places()
    {
        ExplainedValue[] values = [Value("Bulkhead.MaxQueue", 64), Value("Bulkhead.QueueTimeout", "1s"), Value("Other.MaxQueue", 0), Value("Other.QueueTimeout", "5s")];

        var queues = Queues.In("route", values).ToArray();
        var time = TimeBound.Of(new() { Timeouts = new() { Total = Timeout.InfiniteTimeSpan }, Retry = null }, new(0, 0, 0, 0, 1, "1"), queues);

        Assert.Equal([("route Bulkhead.QueueTimeout", TimeSpan.FromSeconds(1))], queues);
        Assert.Equal(TimeSpan.FromSeconds(11), time.Worst);
        Assert.Equal("1 attempt × 10s (Timeouts.Attempt) + queue 1s (route Bulkhead.QueueTimeout)", time.Arithmetic);

        static ExplainedValue Value(string key, object value) => new(key, JsonSerializer.SerializeToElement(value), "built in");
    }

    private static RouteExplanation RouteOf(string config)
    {
        var result = ConfigFile.Parse(Encoding.UTF8.GetBytes(config), [], []);
        return RouteExplanation.Of(result.Config!, result.Config!.Routes[0]);
    }

    private static string Config(string resilience, int destinations = 2, int backups = 1) => $$"""
        {
          "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:8080" } } },
          "ReverseProxy": {
            "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/" }, "Resilience": { {{resilience}} } } },
            "Clusters": {
              "c": { "Destinations": { {{Destinations(destinations)}} } },
              "backup": { "Destinations": { {{Destinations(backups)}} } }
            }
          }
        }
        """;

    private static string Destinations(int count) =>
        string.Join(", ", Enumerable.Range(1, count).Select(index => $$"""
            "d{{index}}": { "Address": "http://127.0.0.1:{{index}}/" }
            """));

    private (int Exit, string Output, string Errors) Explain(
        string config, bool asJson = false, string? route = null, KeyValuePair<string, string>[]? variables = null, string[]? overrides = null)
    {
        var file = Path.Combine(_files.FullName, "proxy.json");
        File.WriteAllText(file, config);
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var exit = ExplainCommand.Run(file, route, asJson, variables ?? [], overrides ?? [], output, errors);
        return (exit, output.ToString(), errors.ToString());
    }
}
