using System.Text.Json;
using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

public sealed class VerbTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-e2e-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Ten_mistakes_are_ten_findings_with_path_and_line()
    {
        var file = Write("""
            {
              "Kestrel": { "Endpoints": { "Http": { "Url": "ftp://x" } } },
              "Admin": { "Url": "http://127.0.0.1:0", "DrainDelay": 5 },
              "Resilience": { "Policies": { "p": { "Timeouts": { "Totl": "1s" } } } },
              "ReverseProxy": {
                "Routes": {
                  "one": { "ClusterId": "nowhere", "Match": { "Path": "/one" }, "Resilience": { "Policy": "q", "Timeouts": { "Idle": "0.5ms" } } },
                  "two": { "ClusterId": "c", "Match": {}, "Timeout": "00:00:01" }
                },
                "Clusters": {
                  "c": {
                    "LoadBalancingPolicy": "RoundRobbin",
                    "Destinations": { "a": { "Adress": "http://127.0.0.1:1/" } }
                  }
                }
              }
            }
            """);
        await using var process = ProxyProcess.Start("validate", "--config", file);

        Assert.Equal(1, await process.ExitAsync());

        var lines = process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (var (path, line) in ((string, int)[])
        [
            ("$.Kestrel.Endpoints.Http.Url", 2),
            ("$.Admin.DrainDelay", 3),
            ("$.Resilience.Policies.p.Timeouts.Totl", 4),
            ("$.ReverseProxy.Routes.one.ClusterId", 7),
            ("$.ReverseProxy.Routes.one.Resilience.Policy", 7),
            ("$.ReverseProxy.Routes.one.Resilience.Timeouts.Idle", 7),
            ("$.ReverseProxy.Routes.two.Timeout", 8),
            ("$.ReverseProxy.Clusters.c.LoadBalancingPolicy", 12),
            ("$.ReverseProxy.Clusters.c.Destinations.a.Adress", 13),
            ("$.ReverseProxy.Clusters.c.Destinations.a.Address", 13),
        ])
        {
            Assert.Contains(lines, text => text.StartsWith($"error {path}: ", StringComparison.Ordinal) && text.EndsWith($" (line {line})", StringComparison.Ordinal));
        }

        Assert.Contains(lines, text => text.Contains("did you mean \"Total\"?", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", process.Output + process.Errors);
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("explain")]
    [InlineData("run")]
    public async Task A_missing_file_is_exit_code_2_and_one_sentence(string verb)
    {
        await using var process = ProxyProcess.Start(verb, "--config", Path.Combine(_folder.FullName, "missing.json"));

        Assert.Equal(2, await process.ExitAsync());
        Assert.Contains("missing.json cannot be read", process.Errors);
        Assert.Single(process.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("run", "--confg", "x")]
    [InlineData("validate", "--Admin:Url")]
    public async Task A_wrong_command_line_is_exit_code_2(params string[] arguments)
    {
        await using var process = ProxyProcess.Start(arguments);

        Assert.Equal(2, await process.ExitAsync());
        Assert.NotEmpty(process.Errors);
        Assert.DoesNotContain("   at ", process.Errors);
    }

    [Fact]
    public async Task The_explain_verb_takes_a_route_an_override_and_the_json_form()
    {
        var file = Write(RunningProxy.ConfigText(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl())));
        var id = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement.GetProperty("ReverseProxy").GetProperty("Routes").EnumerateObject().Single().Name;
        await using var process = ProxyProcess.Start(
            "explain", "--config", file, "--route", id, "--json", $"--ReverseProxy:Routes:{id}:Resilience:Timeouts:Total=4s");

        Assert.Equal(0, await process.ExitAsync());
        var route = JsonDocument.Parse(process.Output).RootElement.GetProperty("routes").EnumerateArray().Single();
        Assert.Equal((id, "4s"), (route.GetProperty("id").GetString(), route.GetProperty("worstCaseTime").GetString()));
    }

    [Fact]
    public async Task An_invalid_config_is_exit_code_1_and_nothing_starts()
    {
        await using var process = ProxyProcess.Start("run", "--config", Write("{ \"Kestrel\": 5 }"));

        Assert.Equal(1, await process.ExitAsync());
        Assert.Contains("error $.Kestrel: must be an object", process.Errors);
    }

    [Fact]
    public async Task A_port_in_use_is_exit_code_3_and_one_sentence()
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        var port = new Uri(upstream.Url).Port;
        await using var process = ProxyProcess.Start(
            "run", "--config", Write(RunningProxy.ConfigText(RunningProxy.OneRoute("", "", upstream.Url))), $"--Kestrel:Endpoints:Http:Url=http://127.0.0.1:{port}");

        Assert.Equal(3, await process.ExitAsync());
        Assert.Contains("cannot listen", process.Errors);
        Assert.DoesNotContain("   at ", process.Errors);
    }

    [Theory]
    [InlineData("validate", 0)]
    [InlineData("run", 3)] // an address of nobody (RFC 5737): it warns first, and then cannot listen
    public async Task An_admin_endpoint_that_others_can_reach_without_a_token_is_warned_of(string verb, int code)
    {
        var file = Write(RunningProxy.ConfigText(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl())));
        await using var process = ProxyProcess.Start(verb, "--config", file, "--Admin:Url=http://192.0.2.1:9901");

        Assert.Equal(code, await process.ExitAsync());
        Assert.Contains("warning $.Admin.Url: others can reach the admin endpoint", process.Output + process.Errors);
    }

    [Fact]
    public async Task The_schema_verb_prints_the_committed_schema()
    {
        await using var process = ProxyProcess.Start("schema");

        Assert.Equal(0, await process.ExitAsync());
        Assert.Contains("https://json-schema.org/draft/2020-12/schema", process.Output);
    }

    [Fact]
    public async Task Variables_and_arguments_override_the_file_and_are_checked_like_it()
    {
        var file = Write(RunningProxy.ConfigText(RunningProxy.OneRoute("", "", RawUpstream.DeadUrl())));
        await using var process = ProxyProcess.Start("validate", "--config", file, "--Admin:DrainDelay=soon");

        Assert.Equal(1, await process.ExitAsync());
        Assert.Contains("error $.Admin.DrainDelay: ", process.Output);
        Assert.Contains("(argument --Admin:DrainDelay)", process.Output);
    }

    private string Write(string text)
    {
        var path = Path.Combine(_folder.FullName, "proxy.json");
        File.WriteAllText(path, text);
        return path;
    }
}
