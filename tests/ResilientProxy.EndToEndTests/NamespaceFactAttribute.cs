using System.Diagnostics;

namespace ResilientProxy.EndToEndTests;

/// <summary>A test that needs a mount namespace of its own; skipped where the system does not allow one.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NamespaceFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> IsAllowed = new(static () =>
    {
        try
        {
            using var unshare = Process.Start("unshare", ["--user", "--map-root-user", "--mount", "true"]);
            unshare.WaitForExit();
            return unshare.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // there is no such program
        }
    });

    /// <summary>Tries it.</summary>
    public NamespaceFactAttribute()
    {
        if (!IsAllowed.Value)
        {
            Skip = "this system allows no mount namespace";
        }
    }
}
