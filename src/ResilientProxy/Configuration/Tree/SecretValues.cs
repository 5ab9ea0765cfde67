using ResilientProxy.Configuration.Binding;

namespace ResilientProxy.Configuration.Tree;

/// <summary>The values that came into a config by references, to be kept out of whatever is said about it.</summary>
internal sealed class SecretValues
{
    // A shorter one occurs in words by chance: it is hidden where a message quotes it, not in the middle of a sentence.
    private const int ShortestAnywhere = 4;

    private readonly HashSet<string> _values = new(StringComparer.Ordinal);

    /// <summary>Remembers a value.</summary>
    /// <param name="value">What a variable or a file said, or the whole text it is a part of.</param>
    public void Add(string value)
    {
        if (value.Length > 0)
        {
            _values.Add(value);
        }
    }

    /// <summary>A text with <see cref="Binding.Secrets.Mask"/> in the place of every value.</summary>
    /// <param name="text">What is to be shown or logged.</param>
    public string Hide(string text)
    {
        foreach (var value in _values.OrderByDescending(value => value.Length))
        {
            text = value.Length >= ShortestAnywhere
                ? text.Replace(value, Secrets.Mask, StringComparison.OrdinalIgnoreCase)
                : text.Replace($"\"{value}\"", $"\"{Secrets.Mask}\"", StringComparison.OrdinalIgnoreCase)
                    .Replace($"'{value}'", $"'{Secrets.Mask}'", StringComparison.OrdinalIgnoreCase);
        }

        return text;
    }
}
