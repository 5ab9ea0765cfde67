using System.Text.RegularExpressions;
using ResilientProxy.UnitTests.Configuration;

namespace ResilientProxy.UnitTests;

/// <summary>The house rules that a compiler does not know.</summary>
public partial class ArchitectureTests
{
    // A folder uses the floors below it and its own; never one above.
    private static readonly Dictionary<string, int> Floors = new()
    {
        ["Errors"] = 0,
        ["Http1"] = 0,
        ["Telemetry"] = 0,
        ["Values"] = 0,
        ["Timeouts"] = 1,
        ["Tls"] = 1,
        ["Retry"] = 1,
        ["LoadBalancing"] = 1,
        ["Admission"] = 1,
        ["RateLimiting"] = 1,
        ["Bulkhead"] = 1,
        ["Fallback"] = 1,
        ["Hedging"] = 1,
        ["CircuitBreaking"] = 1,
        ["Health"] = 1,
        ["Configuration"] = 2,
        ["Forwarding"] = 3,
        ["Hosting"] = 4,
        ["Admin"] = 4,
        ["Cli"] = 5,
    };

    private static readonly string Source = Path.Combine(SchemaTests.RepositoryRoot(), "src/ResilientProxy");

    [Fact]
    public void No_folder_uses_one_of_a_floor_above()
    {
        var wrong =
            from file in Files()
            let folder = Path.GetRelativePath(Source, file).Split(Path.DirectorySeparatorChar)[0]
            where !folder.EndsWith(".cs", StringComparison.Ordinal)
            from Match match in Uses().Matches(File.ReadAllText(file))
            let used = match.Groups[1].Value
            where Floors[used] > Floors[folder]
            select $"{Path.GetRelativePath(Source, file)} (floor {Floors[folder]}) uses {used} (floor {Floors[used]})";

        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_folder_has_a_floor() =>
        Assert.Empty(Directory.GetDirectories(Source).Select(Path.GetFileName).Except(Floors.Keys).Except(["bin", "obj"]));

    [Fact]
    public void Time_comes_from_the_time_provider_only()
    {
        var wrong =
            from file in Files()
            from Match match in WallClocks().Matches(File.ReadAllText(file))
            select $"{Path.GetRelativePath(Source, file)}: {match.Value}";

        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_test_that_the_threat_model_names_exists()
    {
        var root = SchemaTests.RepositoryRoot();
        var tests = string.Join('\n', Directory.EnumerateFiles(Path.Combine(root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));

        var named = TestNames().Matches(File.ReadAllText(Path.Combine(root, "SECURITY.md"))).Select(match => match.Groups[1].Value).ToArray();

        Assert.NotEmpty(named);
        Assert.DoesNotContain(named, name => !tests.Contains($" {name}(", StringComparison.Ordinal) && !tests.Contains($" class {name}", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(Source, file).StartsWith("obj", StringComparison.Ordinal) && !Path.GetRelativePath(Source, file).StartsWith("bin", StringComparison.Ordinal));

    [GeneratedRegex(@"using (?:\w+ = )?ResilientProxy\.(\w+)")]
    private static partial Regex Uses();

    [GeneratedRegex(@"`([A-Z]\w+(?:_\w+){3,}|\w+Tests)`")]
    private static partial Regex TestNames();

    [GeneratedRegex(@"DateTime\.(Utc)?Now|DateTimeOffset\.(Utc)?Now|Stopwatch\.|Environment\.TickCount|Thread\.Sleep|Task\.Delay\([^,()]*\)")]
    private static partial Regex WallClocks();
}
