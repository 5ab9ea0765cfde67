using ResilientProxy.Configuration.Tree;
using ResilientProxy.Tls;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Files that the proxy reads at its start: what <c>run</c> would refuse, <c>validate</c> says first.</summary>
internal static class FileCheck
{
    /// <summary>Checks that a file can be read.</summary>
    /// <param name="node">Where it is named.</param>
    /// <param name="path">The file; null where none is named.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigNode node, string? path, Findings findings)
    {
        if (string.IsNullOrEmpty(path) || findings.HasErrorsIn(node))
        {
            return;
        }

        try
        {
            TlsFiles.Read(path);
        }
        catch (Exception error) when (TlsFiles.IsReadFailure(error))
        {
            findings.Error(node, $"the file cannot be read: {error.Message}");
        }
    }
}
