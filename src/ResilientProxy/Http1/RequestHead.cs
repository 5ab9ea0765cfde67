using System.Buffers;

namespace ResilientProxy.Http1;

/// <summary>Writes a request's line and fields: RFC 9112 sections 3 and 5.</summary>
internal static class RequestHead
{
    // Whatever came through everything above: these would end a line, and begin one that nobody checked.
    private static readonly SearchValues<byte> LineBreakers = SearchValues.Create("\r\n\0"u8);
    private static readonly SearchValues<byte> TargetBreakers = SearchValues.Create("\r\n\0 "u8);

    /// <summary>Writes the head.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="message">The request; its framing fields are written afresh.</param>
    /// <param name="contentLength">The bytes of the body; null for one in chunks, which <paramref name="message"/> then has.</param>
    /// <returns>Whether it says <c>Expect: 100-continue</c>.</returns>
    /// <exception cref="HttpRequestException">It holds what would end a line.</exception>
    public static bool Write(OutBuffer buffer, HttpRequestMessage message, long? contentLength)
    {
        var uri = message.RequestUri!;
        buffer.WriteLatin1(message.Method.Method);
        buffer.Write(" "u8);
        Check(buffer.WriteLatin1(uri.PathAndQuery), TargetBreakers);
        buffer.Write(" HTTP/1.1\r\nHost: "u8);

        var headers = message.Headers.NonValidated;
        if (headers.TryGetValues("Host", out var host))
        {
            Check(buffer.WriteLatin1(host.ToString()), LineBreakers);
        }
        else
        {
            WriteAuthority(buffer, uri);
        }

        buffer.Write("\r\n"u8);
        var expects = false;
        foreach (var (name, values) in headers)
        {
            if (Is(name, "Host") || Is(name, "Content-Length") || Is(name, "Transfer-Encoding"))
            {
                continue;
            }

            expects |= Is(name, "Expect") && values.ToString().Contains("100-continue", StringComparison.OrdinalIgnoreCase);
            WriteField(buffer, name, values);
        }

        if (message.Content is { } content)
        {
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                if (!Is(name, "Content-Length"))
                {
                    WriteField(buffer, name, values);
                }
            }
        }

        WriteFraming(buffer, message, contentLength);
        buffer.Write("\r\n"u8);
        return expects && message.Content is not null;
    }

    /// <summary>Whether a method is mostly sent without a body, so that its absence need not be said.</summary>
    /// <param name="method">The method.</param>
    public static bool UsuallyHasNoBody(string method) => method is "GET" or "HEAD" or "OPTIONS" or "DELETE" or "TRACE" or "CONNECT";

    private static void WriteFraming(OutBuffer buffer, HttpRequestMessage message, long? contentLength)
    {
        if (message.Content is null)
        {
            // RFC 9110 section 8.6: where a body is usual, its absence is said.
            if (!UsuallyHasNoBody(message.Method.Method))
            {
                buffer.Write("Content-Length: 0\r\n"u8);
            }
        }
        else if (contentLength is { } length)
        {
            buffer.Write("Content-Length: "u8);
            buffer.Write(length);
            buffer.Write("\r\n"u8);
        }
        else
        {
            buffer.Write("Transfer-Encoding: chunked\r\n"u8);
        }
    }

    private static void WriteAuthority(OutBuffer buffer, Uri uri)
    {
        var bracketed = uri.HostNameType == UriHostNameType.IPv6;
        buffer.Write(bracketed ? "["u8 : default);
        Check(buffer.WriteLatin1(uri.IdnHost.AsSpan().Trim("[]")), LineBreakers);
        buffer.Write(bracketed ? "]"u8 : default);
        if (!uri.IsDefaultPort)
        {
            buffer.Write(":"u8);
            buffer.Write(uri.Port);
        }
    }

    private static void WriteField(OutBuffer buffer, string name, System.Net.Http.Headers.HeaderStringValues values)
    {
        Check(buffer.WriteLatin1(name), LineBreakers);
        buffer.Write(": "u8);
        var first = true;
        foreach (var value in values)
        {
            if (!first)
            {
                buffer.Write(SeparatorOf(name));
            }

            Check(buffer.WriteLatin1(value), LineBreakers);
            first = false;
        }

        buffer.Write("\r\n"u8);
    }

    /// <summary>What stands between two values of a field: RFC 9110 section 5.3, RFC 6265 section 5.4; User-Agent is no list but words.</summary>
    /// <param name="name">The field.</param>
    public static ReadOnlySpan<byte> SeparatorOf(string name) => Is(name, "Cookie") ? "; "u8 : Is(name, "User-Agent") ? " "u8 : ", "u8;

    private static bool Is(string name, string other) => name.Length == other.Length && name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static void Check(ReadOnlySpan<byte> written, SearchValues<byte> breakers)
    {
        if (written.ContainsAny(breakers))
        {
            throw new HttpRequestException("The request holds a byte that would end a line of its head.");
        }
    }
}
