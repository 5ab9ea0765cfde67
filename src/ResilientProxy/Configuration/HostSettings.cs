using System.Globalization;
using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration;

/// <summary>ASP.NET's own sections in the form its configuration takes: <c>Section:Key</c> pairs.</summary>
internal static class HostSettings
{
    /// <summary>Flattens sections of the config.</summary>
    /// <param name="root">The config.</param>
    /// <param name="sections">The sections' names.</param>
    public static Dictionary<string, string?> Flatten(ConfigObject root, params ReadOnlySpan<string> sections)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var section in sections)
        {
            if (root[section] is { } node)
            {
                Add(settings, section, node);
            }
        }

        return settings;
    }

    private static void Add(Dictionary<string, string?> settings, string path, ConfigNode node)
    {
        switch (node)
        {
            case ConfigObject members:
                foreach (var (key, value) in members.Members)
                {
                    Add(settings, $"{path}:{key}", value);
                }

                break;
            case ConfigArray list:
                for (var i = 0; i < list.Items.Count; i++)
                {
                    Add(settings, string.Create(CultureInfo.InvariantCulture, $"{path}:{i}"), list.Items[i]);
                }

                break;
            case ConfigScalar { ScalarKind: not ScalarKind.Null } scalar:
                // Kestrel reads a list of TLS versions only; the config takes a single one as well.
                settings[path.EndsWith(":SslProtocols", StringComparison.OrdinalIgnoreCase) ? path + ":0" : path] = scalar.Text;
                break;
        }
    }
}
