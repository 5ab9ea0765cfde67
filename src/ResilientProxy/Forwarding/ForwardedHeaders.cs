using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace ResilientProxy.Forwarding;

/// <summary>The header rules of an intermediary, RFC 9110 section 7.6, on top of what YARP's transforms do.</summary>
internal static class ForwardedHeaders
{
    private const string Via = "Via";

    // RFC 9110 section 5.6.2.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    // A client must not be able to take these from a request by naming them in Connection: framing, routing and what decides about access.
    private static readonly FrozenSet<string> Kept = new[]
    {
        "Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding", "Authorization", "Cookie", "Set-Cookie",
        "Connection", "Upgrade", "TE", "Trailer", "Date", "Cache-Control", "Via",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the request passed this proxy before.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="proxy">This proxy.</param>
    public static bool HasLooped(IHeaderDictionary headers, ProxyIdentity proxy) =>
        headers.TryGetValue(Via, out var via) && via.ToString().Contains(proxy.Pseudonym, StringComparison.Ordinal);

    /// <summary>Removes from a client's request the headers its <c>Connection</c> names: they are for this hop only (RFC 9110 section 7.6.1).</summary>
    /// <param name="headers">The request's headers.</param>
    public static void RemoveNamedByConnection(IHeaderDictionary headers)
    {
        if (headers.Connection is { Count: > 0 } connection)
        {
            foreach (var name in NamedBy(connection))
            {
                headers.Remove(name);
            }
        }
    }

    /// <summary>The same for an upstream's response.</summary>
    /// <param name="response">The response, before it is copied.</param>
    public static void RemoveNamedByConnection(HttpResponseMessage response)
    {
        if (!response.Headers.NonValidated.TryGetValues(HeaderNames.Connection, out var connection))
        {
            return;
        }

        // What most servers say, and all they say.
        if (connection.Count == 1 && string.Equals(connection.ToString(), HeaderNames.KeepAlive, StringComparison.OrdinalIgnoreCase))
        {
            response.Headers.Remove(HeaderNames.KeepAlive);
            return;
        }

        foreach (var name in NamedBy(new StringValues([.. connection])))
        {
            if (!TryRemove(response.Headers, name))
            {
                TryRemove(response.Content.Headers, name);
            }
        }
    }

    /// <summary>Adds what every forwarded request carries: <c>Via</c> and <c>traceparent</c>; <c>X-Forwarded-*</c> is set by <see cref="ForwardedForTransform"/>.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="attempt">The attempt; where it has a span, that is the parent the upstream is told.</param>
    /// <param name="message">The attempt's request.</param>
    public static void Apply(Exchange exchange, Attempt attempt, HttpRequestMessage message)
    {
        var headers = message.Headers;
        headers.TryAddWithoutValidation(Via, exchange.Proxy.Via(exchange.Context.Request.Protocol));
        headers.Remove(HeaderNames.TraceParent);
        headers.TryAddWithoutValidation(HeaderNames.TraceParent, attempt.Span.TraceParent ?? exchange.Trace.NewTraceParent());
        if (!exchange.Trace.IsCallers)
        {
            headers.Remove(HeaderNames.TraceState); // of another trace than the one that begins here: W3C Trace Context, section 3.3.1
        }

        headers.Remove(HopStatus.AttemptCount);
        headers.TryAddWithoutValidation(HopStatus.AttemptCount, exchange.Attempts.ToString(CultureInfo.InvariantCulture));
        exchange.Deadline?.Forward(message);
        if (exchange.Body is null)
        {
            headers.Remove(HeaderNames.Expect); // there is no body to wait for
        }
    }

    private static bool TryRemove(HttpHeaders headers, string name)
    {
        try
        {
            return headers.Remove(name);
        }
        catch (InvalidOperationException)
        {
            return false; // a content header asked of the other collection
        }
    }

    private static IEnumerable<string> NamedBy(StringValues connection)
    {
        foreach (var line in connection)
        {
            foreach (var option in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!Kept.Contains(option) && IsToken(option))
                {
                    yield return option;
                }
            }
        }
    }

    /// <summary>Whether a name may be one of a field: RFC 9110 section 5.6.2.</summary>
    /// <param name="name">The name; not empty.</param>
    public static bool IsToken(string name) =>
        !name.AsSpan().ContainsAnyExcept(TokenCharacters);
}
