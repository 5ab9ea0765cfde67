using ResilientProxy.Configuration;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.Configuration;

public class SchemaTests
{
    private static readonly string ConfigFolder = Path.Combine(RepositoryRoot(), "config");

    [Fact]
    public void The_committed_schema_is_the_one_of_the_model()
    {
        var file = Path.Combine(ConfigFolder, "proxy.schema.json");
        var generated = SchemaGenerator.Generate();
        if (Environment.GetEnvironmentVariable("UPDATE_SCHEMA") == "1")
        {
            File.WriteAllText(file, generated);
        }

        Assert.True(File.ReadAllText(file) == generated, "config/proxy.schema.json is out of date: run this test once with UPDATE_SCHEMA=1");
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_config_loads_without_a_finding(string name)
    {
        var result = ConfigFile.Load(Path.Combine(ConfigFolder, name), [], []);

        Assert.Empty(result.Findings);
        Assert.NotNull(result.Config);
        Assert.Contains("proxy.schema.json", File.ReadAllText(Path.Combine(ConfigFolder, name)));
    }

    [Fact]
    public void A_policy_of_a_sample_reaches_the_route_that_names_it()
    {
        var config = ConfigFile.Load(Path.Combine(ConfigFolder, "examples/gateway.json"), [], []).Config!;

        Assert.Equal(TimeSpan.FromSeconds(3), config.Routes.Single(route => route.Yarp.RouteId == "orders").Options.Timeouts.Total);
        Assert.DoesNotContain(config.Routes, route => route.Digest.Length != 32);
        Assert.All(ConfigFile.Load(Path.Combine(ConfigFolder, "examples/gateway.json"), [], []).Findings, finding => Assert.NotEqual(FindingSeverity.Error, finding.Severity));
    }

    public static TheoryData<string> Samples() =>
    [
        .. Directory.EnumerateFiles(ConfigFolder, "*.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(ConfigFolder, file).Replace('\\', '/'))
            .Where(file => file == "proxy.json" || file.StartsWith("examples/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    internal static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "ResilientProxy.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }

        return folder.FullName;
    }
}
