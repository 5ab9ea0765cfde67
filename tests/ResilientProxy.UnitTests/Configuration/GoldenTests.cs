using System.Text;
using ResilientProxy.Configuration;

namespace ResilientProxy.UnitTests.Configuration;

/// <summary>Configs and what is found in them: one file each, the config, a line of dashes, the findings.</summary>
public class GoldenTests
{
    private static readonly string Folder = Path.Combine(SchemaTests.RepositoryRoot(), "tests/ResilientProxy.UnitTests/Configuration/Golden");

    [Theory]
    [MemberData(nameof(Files))]
    public void A_config_gives_exactly_these_findings(string name)
    {
        var parts = File.ReadAllText(Path.Combine(Folder, name)).Split("\n----------\n");

        var findings = ConfigFile.Parse(Encoding.UTF8.GetBytes(parts[0]), [], []).Findings;

        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Path.Combine(Folder, name), $"{parts[0]}\n----------\n{string.Join('\n', findings)}\n");
        }

        Assert.Equal(parts[1].Trim(), string.Join('\n', findings));
    }

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
}
