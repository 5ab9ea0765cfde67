using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>Refuses what two readers may understand in two ways, and answers what is addressed to this proxy: what the server below lets through.</summary>
internal sealed class RequestChecks(RequestDelegate next)
{
    // The server takes Content-Length away from a request that has Transfer-Encoding as well, and leaves it under this name.
    private const string TakenContentLength = "X-Content-Length";

    private const string MaxForwards = "Max-Forwards";

    private static readonly FrozenSet<string> Secrets = new[]
    {
        HeaderNames.Authorization, HeaderNames.ProxyAuthorization, HeaderNames.Cookie,
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Handles one request.</summary>
    /// <param name="context">The request.</param>
    public Task InvokeAsync(HttpContext context)
    {
        var method = context.Request.Method;
        if (FlawOf(context, method) is { } flaw)
        {
            return RefuseAsync(context, flaw);
        }

        return HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method) ? CountForwardsAsync(context) : next(context);
    }

    private static ProxyError? FlawOf(HttpContext context, string method)
    {
        // RFC 9110 section 9.1: "get" is not GET. Everything from the routes down to the transport would take it for that, and forward it as such.
        if (!string.Equals(HttpMethods.GetCanonicalizedValue(method), method, StringComparison.Ordinal))
        {
            return ProxyError.UnknownMethod;
        }

        var headers = context.Request.Headers;
        if (!IsHttp1(context))
        {
            // RFC 9113 section 8.2.2: what frames or steers an HTTP/1.1 connection has no place here; the server looks for Connection only.
            if (headers.TransferEncoding.Count > 0 || headers.Upgrade.Count > 0 || headers.KeepAlive.Count > 0
                || headers[HeaderNames.ProxyConnection].Count > 0)
            {
                return ProxyError.ConnectionField;
            }
        }
        else if (headers.TransferEncoding is { Count: > 0 } coding)
        {
            // RFC 9112 section 6.1: with a length besides it, or from HTTP/1.0, a coding is how requests are smuggled.
            if (HttpProtocol.IsHttp10(context.Request.Protocol) || headers.ContainsKey(TakenContentLength))
            {
                return ProxyError.AmbiguousLength;
            }

            // Another coding would be lost on the way: only the chunks are undone.
            if (coding.Count > 1 || !string.Equals(coding[0], "chunked", StringComparison.OrdinalIgnoreCase))
            {
                return ProxyError.UnknownCoding;
            }
        }

        // RFC 9112 sections 2.2 and 3: a bare CR, and what HTTP/2 may carry in a path besides (RFC 9113 section 8.3.1), is no part of a target.
        if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan().ContainsAnyInRange('\0', ' '))
        {
            return ProxyError.BadTarget;
        }

        if (HttpMethods.IsConnect(method))
        {
            // RFC 8441: a WebSocket over HTTP/2 is a CONNECT with a protocol; any other one asks for a tunnel.
            return context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } ? null : ProxyError.NoTunnels;
        }

        // RFC 9110 section 9.3.8.
        return HttpMethods.IsTrace(method) && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
            ? ProxyError.TraceWithBody
            : null;
    }

    private static Task RefuseAsync(HttpContext context, ProxyError error)
    {
        var exchange = Exchange.Of(context);
        exchange.Failed(error, RequestOutcome.Rejected);
        if (IsHttp1(context))
        {
            context.Response.Headers.Connection = "close"; // where this request ends is not certain: nothing after it is one
        }

        return ProxyErrorResponse.WriteAsync(context, error, new("", 0, exchange.Trace.TraceId));
    }

    // RFC 9110 section 7.6.2: the two methods whose requests may be meant for a proxy on the way.
    private Task CountForwardsAsync(HttpContext context)
    {
        var isTrace = HttpMethods.IsTrace(context.Request.Method);
        if (!isTrace && context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget == "*")
        {
            return AnswerOptions(context); // RFC 9110 section 9.3.7: asks for the server, and to the client that is this one
        }

        if (long.TryParse(context.Request.Headers[MaxForwards].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var left))
        {
            if (left == 0)
            {
                return isTrace ? AnswerTraceAsync(context) : AnswerOptions(context);
            }

            context.Request.Headers[MaxForwards] = (left - 1).ToString(CultureInfo.InvariantCulture);
        }

        return next(context);
    }

    private static Task AnswerOptions(HttpContext context)
    {
        Exchange.Of(context).Outcome = RequestOutcome.Success;
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    // RFC 9110 section 9.3.8: the request as it came, without what is nobody's to read.
    private static async Task AnswerTraceAsync(HttpContext context)
    {
        var request = context.Request;
        var text = new StringBuilder()
            .Append(request.Method).Append(' ')
            .Append(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget).Append(' ')
            .Append(request.Protocol).Append("\r\n");
        foreach (var (name, values) in request.Headers)
        {
            if (!Secrets.Contains(name))
            {
                foreach (var value in values)
                {
                    text.Append(name).Append(": ").Append(value).Append("\r\n");
                }
            }
        }

        var body = Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
        Exchange.Of(context).Outcome = RequestOutcome.Success;
        context.Response.ContentType = "message/http";
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }

    private static bool IsHttp1(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol);
}
