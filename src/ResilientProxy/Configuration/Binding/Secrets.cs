namespace ResilientProxy.Configuration.Binding;

/// <summary>Knows which values must never be shown.</summary>
internal static class Secrets
{
    /// <summary>What is shown in a secret's place.</summary>
    public const string Mask = "***";

    private static readonly string[] Words = ["token", "password", "secret", "apikey", "credential"];
    private static readonly string[] SecretHeaders = ["authorization", "proxyauthorization", "cookie"];

    /// <summary>Whether the value of a key, or of a path's last key, is a secret.</summary>
    public static bool IsSecret(string key)
    {
        var name = Squeeze(key[(key.LastIndexOf('.') + 1)..]);
        return Words.Any(word => name.Contains(word, StringComparison.Ordinal));
    }

    /// <summary>Whether a transform writes a secret: one of its values is the name of a header that carries credentials.</summary>
    public static bool NamesSecretHeader(IEnumerable<string> values) =>
        values.Any(value => IsSecret(value) || SecretHeaders.Contains(Squeeze(value)));

    private static string Squeeze(string name) =>
        name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
}
