using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ResilientProxy.Errors;

/// <summary>The part of a problem document (RFC 9457) that is the same for every occurrence of an error: made once, because refusals come in storms.</summary>
internal sealed class ProblemStart(int status, string title, string detail, string reason)
{
    // What comes behind it, but for the route's name: attempts, trace id, names and punctuation.
    private const int Rest = 128;

    private readonly byte[] _start = Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{{\"status\":{status},\"title\":\"{Json(title)}\",\"detail\":\"{Json(detail)}\",\"reason\":\"{Json(reason)}\",\"route\":\""));

    /// <summary>The most bytes that <see cref="Write"/> needs.</summary>
    /// <param name="facts">The occurrence.</param>
    public int MaxLength(in ErrorFacts facts) => _start.Length + (6 * facts.Route.Length) + Rest; // \uXXXX at worst

    /// <summary>Writes the whole document.</summary>
    /// <param name="to">Has room for <see cref="MaxLength"/>.</param>
    /// <param name="facts">The occurrence.</param>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> to, in ErrorFacts facts)
    {
        var rest = to;
        Append(ref rest, _start);
        Append(ref rest, JsonEncodedText.Encode(facts.Route).EncodedUtf8Bytes);
        Append(ref rest, "\",\"attempts\":"u8);
        facts.Attempts.TryFormat(rest, out var digits, default, CultureInfo.InvariantCulture);
        rest = rest[digits..];
        Append(ref rest, ",\"traceId\":\""u8);
        rest = rest[Encoding.ASCII.GetBytes(facts.TraceId, rest)..];
        Append(ref rest, "\"}"u8);
        return to.Length - rest.Length;
    }

    private static void Append(ref Span<byte> to, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(to);
        to = to[bytes.Length..];
    }

    private static string Json(string text) => JsonEncodedText.Encode(text).ToString();
}
