using System.Buffers;
using System.Collections.Frozen;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using ResilientProxy.Http1;

namespace ResilientProxy.Forwarding;

/// <summary>
/// Writes an attempt's head straight from the client's, where no transform has a say in it: what YARP's default transforms,
/// <see cref="ForwardedForTransform"/> and <see cref="ForwardedHeaders"/> make of it, without a message, its headers and a URI in between.
/// </summary>
internal static class PlainHead
{
    // RFC 9112 section 5: these would end a line, and begin one that nobody checked.
    private static readonly SearchValues<char> LineBreakers = SearchValues.Create("\r\n\0");

    // For this hop only, or written afresh below.
    private static readonly FrozenSet<string> NotCopied = PlainFields.StayBehind.Concat(
    [
        HeaderNames.Host, HeaderNames.ContentLength, HeaderNames.Via, HeaderNames.TraceParent, HeaderNames.TraceState, HeaderNames.Expect,
        ForwardedForTransform.For, ForwardedForTransform.Host, ForwardedForTransform.Proto, ForwardedForTransform.Prefix, ForwardedForTransform.Forwarded,
        HopStatus.AttemptCount,
    ]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Writes it, where it can be written so.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="destination">Where the attempt goes.</param>
    /// <param name="request">Takes the head.</param>
    /// <returns>False where the request has something that only the long way knows what to do with; nothing is written then.</returns>
    public static bool TryWrite(Exchange exchange, ProxyDestination destination, PlainRequest request)
    {
        if (destination.Plain is not { } upstream || exchange.Span.Activity is not null || exchange.Client.PeerIsKnown || exchange.Deadline?.IsForwarded == true)
        {
            return false;
        }

        var head = new OutBuffer();
        var written = false;
        try
        {
            if (TryWrite(exchange, upstream, head))
            {
                var (contentLength, expects) = End(exchange, head);
                request.SetHead(head, contentLength, expects);
                written = true;
            }
        }
        finally
        {
            if (!written)
            {
                head.Release();
            }
        }

        return written;
    }

    private static bool TryWrite(Exchange exchange, PlainDestination upstream, OutBuffer head)
    {
        var context = exchange.Context;
        var client = context.Request;
        if (!exchange.Route!.Target.TryGetPlain(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, out var path, out var query))
        {
            return false;
        }

        head.WriteLatin1(client.Method);
        head.Write(" "u8);
        head.WriteLatin1(upstream.BasePath);
        head.WriteLatin1(path);
        head.WriteLatin1(query);
        head.Write(" HTTP/1.1\r\nHost: "u8);
        head.WriteLatin1(upstream.Authority);
        head.Write("\r\n"u8);
        foreach (var (name, values) in client.Headers)
        {
            if (NotCopied.Contains(name))
            {
                // RFC 9113 section 8.2.2: the one word of TE that goes on from HTTP/2, by the long way.
                if (name.Equals(HeaderNames.TE, StringComparison.OrdinalIgnoreCase) && !HttpProtocol.IsHttp11(client.Protocol) && !HttpProtocol.IsHttp10(client.Protocol))
                {
                    return false;
                }
            }
            else if (ForwardedHeaders.IsToken(name) && !TryWriteField(head, name, values)) // the server lets names through that are none: those are dropped
            {
                return false;
            }
        }

        return TryWriteForwarded(exchange, head)
            && (!exchange.Trace.IsCallers || TryWriteField(head, HeaderNames.TraceState, client.Headers.TraceState))
            && (exchange.Body is null || TryWriteField(head, HeaderNames.Expect, client.Headers.Expect));
    }

    private static bool TryWriteForwarded(Exchange exchange, OutBuffer head)
    {
        var client = exchange.Context.Request;
        if (exchange.Context.Connection.RemoteIpAddress is { } address)
        {
            Span<char> text = stackalloc char[64]; // an IPv6 address with its zone
            if (!address.TryFormat(text, out var length))
            {
                return false;
            }

            head.Write("X-Forwarded-For: "u8);
            head.WriteLatin1(text[..length]);
            head.Write("\r\n"u8);
        }

        if (client.PathBase.HasValue || (client.Host.HasValue && !TryWriteField(head, ForwardedForTransform.Host, client.Host.ToUriComponent())))
        {
            return false;
        }

        head.Write("X-Forwarded-Proto: "u8);
        head.WriteLatin1(client.Scheme);
        head.Write("\r\n"u8);
        if (!TryWriteField(head, HeaderNames.Via, client.Headers.Via, exchange.Proxy.Via(client.Protocol)))
        {
            return false;
        }

        Span<char> parent = stackalloc char[Telemetry.TraceContext.ParentLength];
        exchange.Trace.WriteNewParent(parent);
        head.Write("traceparent: "u8);
        head.WriteLatin1(parent);
        head.Write("\r\nX-Attempt-Count: "u8);
        head.Write(exchange.Attempts);
        head.Write("\r\n"u8);
        return true;
    }

    // RFC 9112 section 6, and RFC 9110 section 8.6: where a body is usual, its absence is said.
    private static (long? ContentLength, bool Expects) End(Exchange exchange, OutBuffer head)
    {
        var client = exchange.Context.Request;
        var hasBody = exchange.Body is not null;
        long? length = hasBody ? client.ContentLength : 0;
        if (length is null)
        {
            head.Write("Transfer-Encoding: chunked\r\n\r\n"u8);
        }
        else if (hasBody || client.ContentLength is not null || !RequestHead.UsuallyHasNoBody(client.Method))
        {
            head.Write("Content-Length: "u8);
            head.Write(length.Value);
            head.Write("\r\n\r\n"u8);
        }
        else
        {
            head.Write("\r\n"u8);
        }

        return (length, hasBody && client.Headers.Expect.ToString().Contains("100-continue", StringComparison.OrdinalIgnoreCase));
    }

    // All the lines of a field in one, and one word more at its end.
    private static bool TryWriteField(OutBuffer head, string name, StringValues values, string? last = null)
    {
        if (values.Count == 0 && last is null)
        {
            return true;
        }

        head.WriteLatin1(name);
        head.Write(": "u8);
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i].AsSpan().ContainsAny(LineBreakers))
            {
                return false;
            }

            head.Write(i == 0 ? default : RequestHead.SeparatorOf(name));
            head.WriteLatin1(values[i]);
        }

        head.Write(last is null || values.Count == 0 ? default : RequestHead.SeparatorOf(name));
        head.WriteLatin1(last);
        head.Write("\r\n"u8);
        return true;
    }
}
