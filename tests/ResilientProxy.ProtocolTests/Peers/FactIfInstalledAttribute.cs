namespace ResilientProxy.ProtocolTests.Peers;

/// <summary>A test that needs programs of the system; skipped, by name, where one of them is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfInstalledAttribute : FactAttribute
{
    /// <summary>Looks for the programs.</summary>
    /// <param name="programs">Their names.</param>
    public FactIfInstalledAttribute(params string[] programs)
    {
        if (programs.Where(program => PathOf(program) is null).ToArray() is { Length: > 0 } missing)
        {
            Skip = $"not installed: {string.Join(", ", missing)}";
        }
    }

    /// <summary>Where a program is; null where it is not installed. Servers live in <c>/usr/sbin</c>, which is not on everybody's path.</summary>
    /// <param name="program">Its name.</param>
    public static string? PathOf(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin").Append("/usr/local/sbin")
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
