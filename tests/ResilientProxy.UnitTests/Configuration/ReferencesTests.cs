using System.Text;
using System.Text.Json;
using ResilientProxy.Configuration;

namespace ResilientProxy.UnitTests.Configuration;

/// <summary>Secrets that come from variables and files: they take effect, and are shown nowhere.</summary>
public sealed class ReferencesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-secrets-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_variable_and_a_file_stand_anywhere_in_a_value_and_more_than_once()
    {
        var file = Write("token", "from-file\n");

        var result = Parse($$"""{ "Token": "a ${ENV:ONE}-${FILE:{{file}}}-${ENV:ONE} z" }""", ("ONE", "first"));

        Assert.Empty(result.Findings);
        Assert.Equal("a first-from-file-first z", result.Config!.Admin.Token);
    }

    [Theory]
    [InlineData("$${ENV:ONE}", "${ENV:ONE}")]
    [InlineData("$$${", "$${")]
    [InlineData("$5 and {x}", "$5 and {x}")]
    public void An_escaped_reference_is_plain_text(string written, string read) =>
        Assert.Equal(read, Parse($$"""{ "Token": "{{written}}" }""", ("ONE", "first")).Config!.Admin.Token);

    [Fact]
    public void What_a_variable_holds_is_not_looked_at_again() =>
        Assert.Equal("${ENV:ONE}", Parse("""{ "Token": "${ENV:ONE}" }""", ("ONE", "${ENV:ONE}")).Config!.Admin.Token);

    [Theory]
    [InlineData("x\n", "x")]
    [InlineData("x\r\n", "x")]
    [InlineData("x\n\n", "x\n")]
    [InlineData(" x ", " x ")]
    [InlineData("", "")]
    public void Of_a_file_one_newline_at_the_end_is_left_out(string content, string value) =>
        Assert.Equal(value, Parse($$"""{ "Token": "${FILE:{{Write("secret", content)}}}" }""").Config!.Admin.Token);

    [Fact]
    public void A_number_and_a_duration_may_come_by_reference() =>
        Assert.Equal(TimeSpan.FromSeconds(7), Parse("""{ "DrainDelay": "${ENV:DELAY}s" }""", ("DELAY", "7")).Config!.Admin.DrainDelay);

    [Fact]
    public void An_override_may_hold_a_reference_too()
    {
        var result = ConfigFile.Parse(Encoding.UTF8.GetBytes(Config("{}")), [KeyValuePair.Create("T", "s3cret")], ["--Admin:Token=${ENV:T}"]);

        Assert.Equal("s3cret", result.Config!.Admin.Token);
    }

    [Theory]
    [InlineData("${ENV:NOPE}", "error $.Admin.Token: there is no environment variable \"NOPE\"; set it, or correct the name (line 3)")]
    [InlineData("${FILE:/nowhere/to/be/found}", "error $.Admin.Token: the file /nowhere/to/be/found cannot be read (DirectoryNotFoundException); see that it exists and that this user may read it (line 3)")]
    [InlineData("${FILE:relative}", "error $.Admin.Token: the path of the file \"relative\" must begin at the root, such as ${FILE:/run/secrets/token} (line 3)")]
    [InlineData("${ENV:NOPE", "error $.Admin.Token: the reference that begins with ${ has no end; close it with }, or write $${ for the text ${ (line 3)")]
    [InlineData("${env:NOPE}", "error $.Admin.Token: ${env:NOPE} is no reference; write ${ENV:NAME} or ${FILE:/path}, or $${ for the text ${ (line 3)")]
    public void A_reference_that_leads_nowhere_is_an_error_with_its_place_and_its_name(string value, string finding) =>
        Assert.Equal([finding], Parse($$"""{ "Token": "{{value}}" }""").Findings.Select(found => found.ToString()));

    [Fact]
    public void A_file_is_bounded_and_is_text()
    {
        var largest = Write("largest", new string('x', 64 * 1024));
        var large = Write("large", new string('x', (64 * 1024) + 1));
        var binary = Path.Combine(_folder.FullName, "binary");
        File.WriteAllBytes(binary, [0xff, 0xfe, 0x00]);

        Assert.Equal(64 * 1024, Parse($$"""{ "Token": "${FILE:{{largest}}}" }""").Config!.Admin.Token!.Length);
        Assert.Contains("is larger than 64KiB", Parse($$"""{ "Token": "${FILE:{{large}}}" }""").Findings.Single().Message);
        Assert.Contains("is not UTF-8 text", Parse($$"""{ "Token": "${FILE:{{binary}}}" }""").Findings.Single().Message);
    }

    [Theory]
    [InlineData("\"Admin\": { \"Url\": \"${ENV:S}\" }")]
    [InlineData("\"Admin\": { \"DrainDelay\": \"${ENV:S}\" }")]
    [InlineData("\"Resilience\": { \"MaxReplayMemory\": \"${ENV:S}\" }")]
    [InlineData("\"AccessLog\": { \"Format\": \"${ENV:S}\" }")]
    [InlineData("\"Kestrel\": \"${ENV:S}\"")]
    [InlineData("\"Logging\": { \"LogLevel\": { \"Default\": \"${ENV:S}\" } }")]
    [InlineData("\"ReverseProxy\": { \"Clusters\": { \"c\": { \"Destinations\": { \"a\": { \"Address\": \"${ENV:S}\" } } } } }")]
    [InlineData("\"ReverseProxy\": { \"Routes\": { \"r\": { \"ClusterId\": \"${ENV:S}\", \"Match\": { \"Path\": \"/\" } } } }")]
    [InlineData("\"ReverseProxy\": { \"Clusters\": { \"c\": { \"LoadBalancingPolicy\": \"${ENV:S}\", \"Destinations\": { \"a\": { \"Address\": \"http://127.0.0.1:1/\" } } } } }")]
    [InlineData("\"ReverseProxy\": { \"Routes\": { \"r\": { \"ClusterId\": \"c\", \"Match\": { \"Path\": \"/{${ENV:S}\" } } }, \"Clusters\": { \"c\": { \"Destinations\": { \"a\": { \"Address\": \"http://127.0.0.1:1/\" } } } } }")]
    [InlineData("\"ReverseProxy\": { \"Routes\": { \"r\": { \"ClusterId\": \"c\", \"Match\": { \"Path\": \"/\" }, \"Resilience\": { \"Policy\": \"${ENV:S}\" } } }, \"Clusters\": { \"c\": { \"Destinations\": { \"a\": { \"Address\": \"http://127.0.0.1:1/\" } } } } }")]
    public void No_finding_quotes_a_value_that_came_by_reference(string member)
    {
        var text = member.StartsWith("\"Kestrel\"", StringComparison.Ordinal)
            ? $$"""{ {{member}} }"""
            : $$"""{ "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } }, {{member}} }""";

        foreach (var secret in (string[])["hunter2hunter2", "x7"])
        {
            var result = ConfigFile.Parse(Encoding.UTF8.GetBytes(text), [KeyValuePair.Create("S", secret)], []);

            Assert.NotEmpty(result.Findings);
            Assert.DoesNotContain(result.Findings, finding => finding.ToString().Contains(secret, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public void A_hint_does_not_quote_it_either()
    {
        var finding = Parse("""{ "DrainDelay": "${ENV:S}" }""", ("S", "83")).Findings.Single();

        Assert.StartsWith("must be a duration, such as \"250ms\"", finding.Message);
        Assert.DoesNotContain("83", finding.Message);
    }

    [Fact]
    public void The_effective_config_masks_what_came_by_reference_whatever_its_type_and_its_key()
    {
        var result = ConfigFile.Parse("""
            {
              "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
              "Admin": { "DrainDelay": "${ENV:DELAY}" },
              "Logging": { "Note": "${ENV:WORD}" },
              "Resilience": { "Policies": { "p": { "Timeouts": { "Total": "${ENV:DELAY}" }, "Retry": { "Methods": [ "GET", "${ENV:METHOD}" ] } } } },
              "ReverseProxy": {
                "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/" }, "Resilience": { "Policy": "p" },
                  "Transforms": [ { "RequestHeader": "X-Plain", "Set": "${ENV:WORD}" } ] } },
                "Clusters": { "c": { "Destinations": { "a": { "Address": "http://${ENV:HOST}/" } }, "Resilience": { "ConnectTimeout": "${ENV:DELAY}" } } }
              }
            }
            """u8, [KeyValuePair.Create("DELAY", "13s"), KeyValuePair.Create("WORD", "s3cret"), KeyValuePair.Create("METHOD", "PUT"), KeyValuePair.Create("HOST", "hidden.example")], []);

        Assert.DoesNotContain(result.Findings, finding => finding.Severity == Errors.FindingSeverity.Error);
        var json = Encoding.UTF8.GetString(result.Config!.EffectiveJson.Value);
        Assert.All((string[])["13s", "s3cret", "hidden.example", "\"PUT\""], secret => Assert.DoesNotContain(secret, json));
        var route = JsonDocument.Parse(json).RootElement.GetProperty("ReverseProxy").GetProperty("Routes").GetProperty("r");
        Assert.Equal("***", route.GetProperty("Resilience").GetProperty("Timeouts").GetProperty("Total").GetString());
        Assert.Equal("10s", route.GetProperty("Resilience").GetProperty("Timeouts").GetProperty("Attempt").GetString());
        Assert.Equal(["GET", "***"], route.GetProperty("Resilience").GetProperty("Retry").GetProperty("Methods").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(TimeSpan.FromSeconds(13), result.Config.Routes[0].Options.Timeouts.Total);
    }

    private static ConfigResult Parse(string admin, params (string Name, string Value)[] variables) =>
        ConfigFile.Parse(Encoding.UTF8.GetBytes(Config(admin)), variables.Select(variable => KeyValuePair.Create(variable.Name, variable.Value)), []);

    private static string Config(string admin) => $$"""
        {
          "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
          "Admin": {{admin}}
        }
        """;

    private string Write(string name, string content)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}
