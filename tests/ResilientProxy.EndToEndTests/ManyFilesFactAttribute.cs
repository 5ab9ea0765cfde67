using System.Globalization;

namespace ResilientProxy.EndToEndTests;

/// <summary>A test that opens many connections; skipped, with the limit, where a process may not have so many.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ManyFilesFactAttribute : FactAttribute
{
    private const string Limits = "/proc/self/limits";

    /// <summary>Looks at the limit; the runtime has raised the soft one to the hard one by now.</summary>
    /// <param name="files">How many files have to be allowed.</param>
    public ManyFilesFactAttribute(int files)
    {
        Files = files;
        if (!File.Exists(Limits))
        {
            Skip = "there is no /proc here";
            return;
        }

        var hard = File.ReadLines(Limits).First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[4];
        if (hard != "unlimited" && int.Parse(hard, CultureInfo.InvariantCulture) < files)
        {
            Skip = $"a process may have {hard} files open here, and the test needs {files}: raise it (ulimit -Hn)";
        }
    }

    /// <summary>How many files have to be allowed.</summary>
    public int Files { get; }
}
