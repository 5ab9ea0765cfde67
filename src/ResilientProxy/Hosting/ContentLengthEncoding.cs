using System.Text;

namespace ResilientProxy.Hosting;

/// <summary>Reads the bytes of a Content-Length for the server: digits as they are, and every other byte as a letter that no number holds.</summary>
/// <remarks>
/// The server reads a field it decodes by an encoding of ours with .NET's own number parser, and that takes a sign, a vertical tab in front and a
/// NUL behind. RFC 9110 section 8.6 knows digits only, and a reader before us that takes the field for none sees another end of the message.
/// </remarks>
internal sealed class ContentLengthEncoding : Encoding
{
    private const char NoDigit = 'x';

    /// <inheritdoc/>
    public override int GetByteCount(char[] chars, int index, int count) => count;

    /// <inheritdoc/>
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    /// <inheritdoc/>
    public override int GetCharCount(byte[] bytes, int index, int count) => count;

    /// <inheritdoc/>
    public override int GetCharCount(ReadOnlySpan<byte> bytes) => bytes.Length;

    /// <inheritdoc/>
    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    /// <inheritdoc/>
    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        // The server gives room for one character more than a length can have, and refuses what fills it.
        var count = Math.Min(bytes.Length, chars.Length);
        for (var i = 0; i < count; i++)
        {
            chars[i] = char.IsAsciiDigit((char)bytes[i]) ? (char)bytes[i] : NoDigit;
        }

        return count;
    }

    /// <inheritdoc/>
    public override int GetMaxByteCount(int charCount) => charCount;

    /// <inheritdoc/>
    public override int GetMaxCharCount(int byteCount) => byteCount;
}
