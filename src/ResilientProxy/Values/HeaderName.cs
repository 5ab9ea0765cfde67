using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace ResilientProxy.Values;

/// <summary>The name of an HTTP header: a token of RFC 9110 section 5.6.2, at most 128 characters; compared without regard to case.</summary>
/// <param name="Text">As the config writes it.</param>
[TextFormat("the name of a header, such as \"User-Agent\"", "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")]
internal readonly record struct HeaderName(string Text) : IParsable<HeaderName>, IFormattable
{
    private const int MaxLength = 128;

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <inheritdoc/>
    public static HeaderName Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var name) ? name : throw new FormatException($"\"{s}\" is no name of a header.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out HeaderName result)
    {
        result = new(s ?? "");
        return s is { Length: > 0 and <= MaxLength } && !s.AsSpan().ContainsAnyExcept(TokenCharacters);
    }

    /// <inheritdoc/>
    public bool Equals(HeaderName other) => string.Equals(Text, other.Text, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.OrdinalIgnoreCase.GetHashCode(Text ?? "");

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => Text;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
