using System.Buffers;

namespace ResilientProxy.Configuration.Checks;

/// <summary>What may be the name of a header, of a cookie or of a method: a token, RFC 9110 section 5.6.2.</summary>
internal static class HttpToken
{
    private static readonly SearchValues<char> Characters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>Whether a text is one.</summary>
    /// <param name="text">The text.</param>
    public static bool Is(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(Characters);
}
