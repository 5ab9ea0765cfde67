namespace ResilientProxy.EndToEndTests;

/// <summary>A test that needs Node.js, Chromium and the packages of tests/browser; skipped, with what is missing, where they are not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    /// <summary>Looks for them.</summary>
    public BrowserFactAttribute()
    {
        if (Node is null)
        {
            Skip = "node is not installed";
        }
        else if (Chromium is null)
        {
            Skip = "chromium is not installed";
        }
        else if (!Directory.Exists(Path.Combine(Folder, "node_modules", "playwright-core")))
        {
            Skip = "playwright-core is not installed: run npm ci in tests/browser";
        }
    }

    internal static string? Node { get; } = Find("node");

    internal static string? Chromium { get; } = Find("chromium") ?? Find("chromium-browser") ?? Find("google-chrome");

    internal static string Folder { get; } = Path.Combine(RepositoryRoot(), "tests", "browser");

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ResilientProxy.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }

        return folder;
    }
}
