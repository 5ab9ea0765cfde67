namespace ResilientProxy.Configuration.Tree;

/// <summary>Writes JSON paths (RFC 9535): plain words after a dot, everything else in brackets and quotes.</summary>
internal static class ConfigPath
{
    public const string Root = "$";

    public static string Child(string parent, string key) => IsPlainWord(key)
        ? $"{parent}.{key}"
        : $"{parent}['{key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}']";

    public static string Item(string parent, int index) => $"{parent}[{index}]";

    // RFC 9535, section 2.5.1.1: the shorthand takes no hyphen and no leading digit.
    private static bool IsPlainWord(string key) =>
        key.Length > 0 && !char.IsAsciiDigit(key[0]) && key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
