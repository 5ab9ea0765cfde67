using ResilientProxy.Configuration.Binding;
using ResilientProxy.Errors;

namespace ResilientProxy.Configuration.Tree;

/// <summary>Writes environment variables and arguments into the tree, before it is read: they get the same checks as the file.</summary>
internal sealed class Overrides(ConfigObject root, IReadOnlyList<string> sections, Findings findings)
{
    /// <summary>Variables such as <c>Admin__Url</c>. Others' variables are left alone: the first word must be a section of ours.</summary>
    public void ApplyEnvironment(IEnumerable<KeyValuePair<string, string>> environment)
    {
        foreach (var (name, value) in environment.OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            var keys = name.Split("__");
            if (keys.Length > 1 && sections.Contains(keys[0], StringComparer.OrdinalIgnoreCase))
            {
                Apply(keys, value, new ConfigOrigin(OriginKind.Environment, name, 0));
            }
        }
    }

    /// <summary>Arguments <c>--Section:Key=value</c> and <c>--Section:Key value</c>; they win over variables.</summary>
    public void ApplyArguments(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? argument : argument[..equals];
            var origin = new ConfigOrigin(OriginKind.CommandLine, name, 0);
            var keys = name.StartsWith("--", StringComparison.Ordinal) ? name[2..].Split(':') : [];
            if (keys.Length == 0 || (equals < 0 && i + 1 == arguments.Count))
            {
                findings.Add(FindingSeverity.Error, ConfigPath.Root.ToString(), "is not an override; write --Section:Key=value", origin);
            }
            else if (!sections.Contains(keys[0], StringComparer.OrdinalIgnoreCase))
            {
                findings.Add(FindingSeverity.Error, ConfigPath.Root.ToString(), $"there is no section \"{keys[0]}\"{NearestName.Hint(keys[0], sections)}", origin);
                i += equals < 0 ? 1 : 0;
            }
            else
            {
                Apply(keys, equals < 0 ? arguments[++i] : argument[(equals + 1)..], origin);
            }
        }
    }

    private void Apply(string[] keys, string value, ConfigOrigin origin)
    {
        ConfigNode node = root;
        for (var depth = 0; depth < keys.Length; depth++)
        {
            var (parent, key, last) = (node, keys[depth], depth == keys.Length - 1);
            var existing = parent.Find(key);
            var path = existing?.Place ?? (parent is ConfigArray && int.TryParse(key, out var index) ? parent.Place.Item(index) : parent.Place.Child(key));

            // A value in the way of a longer path gives way: "Hedging": "off" to Hedging:Delay.
            node = last ? new ConfigScalar(path, origin, ScalarKind.String, value)
                : existing is ConfigObject or ConfigArray ? existing
                : new ConfigObject(path, origin);
            if (node == existing)
            {
                continue;
            }

            if (parent is ConfigObject container)
            {
                container.Set(key, node);
            }
            else if (!TryPlace((ConfigArray)parent, key, node))
            {
                findings.Add(FindingSeverity.Error, path.ToString(), $"the list has {((ConfigArray)parent).Items.Count} items; \"{key}\" is neither one of them nor the next", origin);
                return;
            }
        }
    }

    private static bool TryPlace(ConfigArray list, string key, ConfigNode node)
    {
        if (!int.TryParse(key, out var index) || index < 0 || index > list.Items.Count)
        {
            return false;
        }

        if (index == list.Items.Count)
        {
            list.Items.Add(node);
        }
        else
        {
            list.Items[index] = node;
        }

        return true;
    }
}
