using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration.Checks;

/// <summary>The levels in the <c>Logging</c> section, which is free in form otherwise: a misspelt one would stop the start, or silence a log.</summary>
internal static class LogLevelCheck
{
    /// <summary>Checks every <c>LogLevel</c> object in the section and below.</summary>
    /// <param name="node">The section; null where there is none.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigNode? node, Findings findings)
    {
        foreach (var (name, child) in (node as ConfigObject)?.Members ?? new Dictionary<string, ConfigNode>())
        {
            if (!name.Equals("LogLevel", StringComparison.OrdinalIgnoreCase))
            {
                Run(child, findings);
                continue;
            }

            foreach (var level in (child as ConfigObject)?.Members.Values ?? [])
            {
                var text = (level as ConfigScalar)?.Text ?? level.Kind;
                if (!Enum.GetNames<LogLevel>().Contains(text, StringComparer.OrdinalIgnoreCase))
                {
                    findings.Error(level, $"\"{text}\" is no log level{NearestName.Hint(text, Enum.GetNames<LogLevel>())}");
                }
            }
        }
    }
}
