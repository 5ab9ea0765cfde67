using System.Globalization;

namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>Finds the end of a body, as strictly as RFC 9112 section 7.1 writes it.</summary>
internal static class WireBody
{
    /// <summary>Reads a chunked body.</summary>
    /// <param name="text">The bytes so far.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="body">Its content; what there is of it where the end is missing.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="trailers">The lines after the last chunk.</param>
    /// <param name="flaw">What is wrong with it; null for nothing.</param>
    /// <returns>Whether its end was there.</returns>
    public static bool TryChunked(string text, int start, out string body, out int end, out string trailers, out string? flaw)
    {
        body = trailers = "";
        flaw = null;
        end = start;
        while (true)
        {
            var line = text.IndexOf("\r\n", end, StringComparison.Ordinal);
            if (line < 0)
            {
                return false;
            }

            if (!int.TryParse(text.AsSpan(end, line - end), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size))
            {
                flaw = $"a chunk size of '{text[end..line]}' (RFC 9112 section 7.1)";
                return false;
            }

            end = line + 2;
            if (size == 0)
            {
                break;
            }

            if (text.Length < end + size + 2)
            {
                body += text[end..Math.Min(text.Length, end + size)];
                return false;
            }

            body += text.Substring(end, size);
            end += size;
            if (text.AsSpan(end, 2) is not "\r\n")
            {
                flaw = "a chunk without its line end (RFC 9112 section 7.1)";
                return false;
            }

            end += 2;
        }

        while (true)
        {
            var line = text.IndexOf("\r\n", end, StringComparison.Ordinal);
            if (line < 0)
            {
                return false;
            }

            var last = line == end;
            trailers += text[end..(line + 2)];
            end = line + 2;
            if (last)
            {
                return true;
            }
        }
    }
}
