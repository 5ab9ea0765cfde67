using System.Globalization;

namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>One response as it reached the client.</summary>
/// <param name="Head">Its head.</param>
/// <param name="Body">Its body, as far as it came.</param>
/// <param name="Trailers">The lines after the last chunk.</param>
/// <param name="IsWhole">Whether its end came: a client that knows no better takes it for complete.</param>
/// <param name="Flaw">What is wrong with it; null for nothing.</param>
internal sealed record WireResponse(WireHead Head, string Body, string Trailers, bool IsWhole, string? Flaw)
{
    /// <summary>The status.</summary>
    public int Status => Head.StartLine.Length >= 12 && int.TryParse(Head.StartLine.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : 0;

    /// <summary>Whether it is a final one.</summary>
    public bool IsFinal => Status >= 200 || Status == 101;

    /// <summary>Reads the next response.</summary>
    /// <param name="text">The connection's bytes.</param>
    /// <param name="toHead">Whether it answers a HEAD.</param>
    /// <param name="closed">Whether the connection ended in order.</param>
    /// <param name="consumed">How many bytes it took.</param>
    /// <returns>Null where not even the head is there.</returns>
    public static WireResponse? Read(string text, bool toHead, bool closed, out int consumed)
    {
        consumed = 0;
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return null;
        }

        var head = WireHead.Parse(text[..(end + 2)]);
        var start = consumed = end + 4;
        var flaw = head.Flaw ?? (head.StartLine.StartsWith("HTTP/1.", StringComparison.Ordinal) ? null : $"no status line: '{head.StartLine}'");
        var bare = new WireResponse(head, "", "", IsWhole: true, flaw);

        // RFC 9112 section 6.3, in its order.
        if (toHead || bare.Status is >= 100 and < 200 or 204 or 304)
        {
            return bare;
        }

        if (head.Chunked)
        {
            var whole = WireBody.TryChunked(text, start, out var body, out consumed, out var trailers, out var chunkFlaw);
            return bare with { Body = body, Trailers = trailers, IsWhole = whole, Flaw = flaw ?? chunkFlaw };
        }

        if (head.ContentLength >= 0)
        {
            var length = head.ContentLength;
            var rest = text.Length - start; // a length may be the longest there is: nothing is added to it
            consumed = start + (int)Math.Min(rest, length);
            return bare with { Body = text[start..consumed], IsWhole = rest >= length };
        }

        consumed = text.Length;
        return bare with { Body = text[start..], IsWhole = closed };
    }
}
