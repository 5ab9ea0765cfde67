namespace ResilientProxy.Configuration.Tree;

/// <summary>Where a value of the config stands, as a JSON path (RFC 9535). It is put into words when somebody asks: of thousands of values few are ever spoken of.</summary>
internal sealed class ConfigPath
{
    /// <summary>The whole config.</summary>
    public static readonly ConfigPath Root = new(null, null, 0);

    private readonly ConfigPath? _parent;
    private readonly string? _key;
    private readonly int _index;

    private ConfigPath(ConfigPath? parent, string? key, int index) => (_parent, _key, _index) = (parent, key, index);

    /// <summary>A member of the object here.</summary>
    /// <param name="key">Its key.</param>
    public ConfigPath Child(string key) => new(this, key, 0);

    /// <summary>An item of the list here.</summary>
    /// <param name="index">Its index.</param>
    public ConfigPath Item(int index) => new(this, null, index);

    /// <summary>The path from <c>$</c>: plain words after a dot, everything else in brackets and quotes.</summary>
    public override string ToString() =>
        _parent is null ? "$"
        : _key is null ? $"{_parent}[{_index}]"
        : IsPlainWord(_key) ? $"{_parent}.{_key}"
        : $"{_parent}['{_key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}']";

    // RFC 9535, section 2.5.1.1: the shorthand takes no hyphen and no leading digit.
    private static bool IsPlainWord(string key) =>
        key.Length > 0 && !char.IsAsciiDigit(key[0]) && key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
