namespace ResilientProxy.TestSupport.Fuzz;

/// <summary>The bytes that once found something, or that are known to: one file each under <c>tests/corpus</c>, run by every test run.</summary>
public static class Corpus
{
    /// <summary>The names of the files of one kind.</summary>
    /// <param name="kind">The folder: "requests", "answers" or "configs".</param>
    public static IReadOnlyList<string> Names(string kind) =>
        [.. Directory.EnumerateFiles(Folder(kind)).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    /// <summary>One file's bytes.</summary>
    /// <param name="kind">The folder.</param>
    /// <param name="name">The file.</param>
    public static byte[] Read(string kind, string name) => File.ReadAllBytes(Path.Combine(Folder(kind), name));

    /// <summary>How a case that failed is kept.</summary>
    /// <param name="kind">The folder.</param>
    /// <param name="name">What the file's name begins with.</param>
    /// <param name="ending">What it ends with.</param>
    /// <param name="bytes">The case.</param>
    public static string HowToKeep(string kind, string name, string ending, ReadOnlySpan<byte> bytes) =>
        $"to keep it, name it by what it shows: echo {Convert.ToBase64String(bytes)} | base64 -d > tests/corpus/{kind}/{name}{ending}";

    private static string Folder(string kind)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "ResilientProxy.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }

        return Path.Combine(folder.FullName, "tests", "corpus", kind);
    }
}
