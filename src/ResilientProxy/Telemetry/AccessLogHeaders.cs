using ResilientProxy.Values;

namespace ResilientProxy.Telemetry;

/// <summary>The headers of a request that its line of the access log shows: those the config names, none by default.</summary>
/// <param name="names">Their names.</param>
internal sealed class AccessLogHeaders(IReadOnlyList<HeaderName> names)
{
    /// <summary>Stands for a value that must not be logged, whoever asks for it.</summary>
    public const string Mask = "***";

    /// <summary>Characters of a value that are logged: what waits in the queue is bounded in bytes too.</summary>
    public const int MaxValueLength = 256;

    // In part or whole, without dashes. A name that is masked by mistake costs less than a secret in a log.
    private static readonly string[] SecretWords =
        ["authorization", "authenticat", "cookie", "token", "secret", "password", "apikey", "accesskey", "credential", "session", "signature", "assertion", "jwt"];

    private readonly (string Name, bool IsSecret)[] _headers = [.. names.Distinct().Select(name => (name.Text, IsSecret(name.Text)))];

    /// <summary>Reads them; null where none are asked for, and a null value for a header the request has not.</summary>
    /// <param name="headers">The request's headers.</param>
    public IReadOnlyList<KeyValuePair<string, string?>>? Of(IHeaderDictionary headers)
    {
        if (_headers.Length == 0)
        {
            return null;
        }

        var shown = new KeyValuePair<string, string?>[_headers.Length];
        for (var i = 0; i < shown.Length; i++)
        {
            var (name, isSecret) = _headers[i];
            shown[i] = new(name, !headers.TryGetValue(name, out var values) ? null : isSecret ? Mask : Cut(values.ToString()));
        }

        return shown;
    }

    private static bool IsSecret(string name)
    {
        var plain = name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);
        return SecretWords.Any(word => plain.Contains(word, StringComparison.OrdinalIgnoreCase));
    }

    private static string Cut(string value) => value.Length <= MaxValueLength ? value : value[..MaxValueLength] + "…";
}
