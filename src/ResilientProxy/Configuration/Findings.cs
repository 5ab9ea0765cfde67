using ResilientProxy.Configuration.Tree;
using ResilientProxy.Errors;

namespace ResilientProxy.Configuration;

/// <summary>Collects what is found in a config. The same thing found twice counts once: a policy is read again for every route that names it.</summary>
internal sealed class Findings
{
    private readonly List<ConfigFinding> _all = [];
    private readonly HashSet<ConfigFinding> _known = [];
    private readonly HashSet<string> _unresolved = new(StringComparer.Ordinal);

    /// <summary>What no message may quote.</summary>
    public SecretValues Secrets { get; } = new();

    public bool HasErrors { get; private set; }

    /// <summary>Everything found, in the order of the file; what came from elsewhere last.</summary>
    public IReadOnlyList<ConfigFinding> InFileOrder() => [.. _all.OrderBy(finding => finding.Line == 0).ThenBy(finding => finding.Line)];

    public void Error(ConfigNode node, string message) => Add(FindingSeverity.Error, node.Path, message, node.Origin);

    public void Warning(ConfigNode node, string message) => Add(FindingSeverity.Warning, node.Path, message, node.Origin);

    /// <summary>An error of a reference: nothing more is said of its value, which nobody knows.</summary>
    public void Unresolved(ConfigNode node, string message)
    {
        Error(node, message);
        _unresolved.Add(node.Path);
    }

    /// <summary>An error of a key that an object lacks; its line is the object's.</summary>
    public void Missing(ConfigNode parent, string key, string message) =>
        Add(FindingSeverity.Error, parent.Place.Child(key).ToString(), message, parent.Origin);

    public void Add(FindingSeverity severity, string path, string message, ConfigOrigin origin)
    {
        if (_unresolved.Contains(path))
        {
            return;
        }

        var place = origin.Kind == OriginKind.File ? "" : $" ({origin})";
        var finding = new ConfigFinding(severity, path, Secrets.Hide(message) + place, origin.Line);
        HasErrors |= severity == FindingSeverity.Error;
        if (_known.Add(finding))
        {
            _all.Add(finding);
        }
    }

    /// <summary>Whether an error stands at this node or below: what depends on it need not be looked at again.</summary>
    public bool HasErrorsIn(ConfigNode node) => HasErrors && _all.Any(finding =>
        finding.Severity == FindingSeverity.Error
        && finding.Path.StartsWith(node.Path, StringComparison.Ordinal)
        && (finding.Path.Length == node.Path.Length || finding.Path[node.Path.Length] is '.' or '['));
}
