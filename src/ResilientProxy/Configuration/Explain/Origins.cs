using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration.Explain;

/// <summary>Says where a value comes from.</summary>
/// <param name="owner">What the object belongs to: "route" or "cluster".</param>
/// <param name="written">The object as written, after inheritance; null where nothing was.</param>
/// <param name="policy">The policy that the object names; null for none.</param>
internal sealed class Origins(string owner, ConfigNode? written, string? policy)
{
    private const string BuiltIn = "built in";

    /// <summary>The origin of a value, in words; of a list, more than one where its items come from several places.</summary>
    /// <param name="node">The value as written; null where nothing was.</param>
    public string Of(ConfigNode? node) => node is null ? BuiltIn : string.Join(" and ", Parts(node).Select(Word).Distinct());

    private static IEnumerable<ConfigNode> Parts(ConfigNode node)
    {
        var below = node switch
        {
            ConfigArray list => list.Items,
            ConfigObject entries => entries.Members.Values,
            _ => Enumerable.Empty<ConfigNode>(),
        };
        return below.SelectMany(Parts).Where(part => part.Origin.Kind != node.Origin.Kind).Prepend(node);
    }

    private string Word(ConfigNode node) => node.Origin.Kind switch
    {
        OriginKind.Environment => $"environment {node.Origin.Name}",
        OriginKind.CommandLine => $"command line {node.Origin.Name}",
        OriginKind.BuiltIn => $"{BuiltIn} (policy \"{node.Origin.Name}\")",
        _ when written is not null && node.Path.StartsWith(written.Path, StringComparison.Ordinal) => $"{owner} ({node.Path}, line {node.Origin.Line})",
        _ => $"policy \"{policy}\" ({node.Path}, line {node.Origin.Line})",
    };
}
