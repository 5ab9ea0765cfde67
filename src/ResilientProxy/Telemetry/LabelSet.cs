using System.Text;

namespace ResilientProxy.Telemetry;

/// <summary>The labels of one series: rendered once, for the first scrape that shows it, so that every other one only copies bytes.</summary>
internal sealed class LabelSet
{
    public static readonly LabelSet Empty = new([], []);

    public LabelSet(IReadOnlyList<string> names, IReadOnlyList<string> values)
    {
        if (names.Count != values.Count)
        {
            throw new ArgumentException($"There are {names.Count} label names ({string.Join(", ", names)}) but {values.Count} values.", nameof(values));
        }

        Names = names;
        Values = values;
    }

    public IReadOnlyList<string> Names { get; }

    public IReadOnlyList<string> Values { get; }

    /// <summary><c>a="1",b="2"</c> in UTF-8, escaped, without braces.</summary>
    public byte[] Rendered => field ??= Encoding.UTF8.GetBytes(string.Join(',', Names.Zip(Values, (name, value) => $"{name}=\"{Escape(value)}\"")));

    /// <summary>The same for System.Diagnostics.Metrics.</summary>
    public KeyValuePair<string, object?>[] Tags => field ??= [.. Names.Zip(Values, (name, value) => KeyValuePair.Create(name, (object?)value))];

    /// <summary>The value of the label <paramref name="name"/>, or null where there is no such label.</summary>
    public string? this[string name]
    {
        get
        {
            for (var i = 0; i < Names.Count; i++)
            {
                if (Names[i] == name)
                {
                    return Values[i];
                }
            }

            return null;
        }
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
