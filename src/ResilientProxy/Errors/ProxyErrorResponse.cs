using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http.Features;

namespace ResilientProxy.Errors;

/// <summary>What an answer of the proxy's own says besides the error.</summary>
/// <param name="Route">The route's name; empty where none matched.</param>
/// <param name="Attempts">How many attempts at an upstream were begun.</param>
/// <param name="TraceId">The W3C trace id, to be quoted to the people on call.</param>
/// <param name="StatusParameters">Further parameters of the <c>Proxy-Status</c> field, each with its semicolon in front; empty for none.</param>
internal readonly record struct ErrorFacts(string Route, int Attempts, string TraceId, string StatusParameters = "");

/// <summary>The one place that turns an error into an answer, if none has started.</summary>
internal static class ProxyErrorResponse
{
    private const string ProxyStatus = "Proxy-Status";

    /// <summary>Writes the answer in the form the client understands: trailers-only for gRPC, problem+json (RFC 9457) for all others.</summary>
    /// <param name="context">The request; its response must not have started, and must be clear of what another attempt left.</param>
    /// <param name="error">Why the proxy answers by itself.</param>
    /// <param name="facts">What the body says besides.</param>
    /// <param name="retryAfterSeconds">The <c>Retry-After</c> to send, in seconds; 0 for none.</param>
    public static Task WriteAsync(HttpContext context, ProxyError error, ErrorFacts facts, int retryAfterSeconds = 0)
    {
        var response = context.Response;
        response.Headers[ProxyStatus] = facts.StatusParameters.Length == 0 ? error.StatusField : error.StatusField + facts.StatusParameters;
        if (retryAfterSeconds > 0)
        {
            response.Headers.RetryAfter = retryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        return IsGrpc(context.Request) ? WriteGrpc(context, error) : WriteProblemAsync(context, error, facts);
    }

    /// <summary>Whether the client speaks gRPC: a content type of <c>application/grpc</c>, plain or with a <c>+</c> or <c>;</c> suffix.</summary>
    public static bool IsGrpc(HttpRequest request)
    {
        const string Grpc = "application/grpc";
        return request.ContentType is { } type
            && type.StartsWith(Grpc, StringComparison.OrdinalIgnoreCase)
            && (type.Length == Grpc.Length || type[Grpc.Length] is ';' or '+');
    }

    // Trailers-only: with no body the headers are the end of the stream, and a gRPC client reads its status there.
    private static Task WriteGrpc(HttpContext context, ProxyError error)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = error.GrpcStatus.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = $"resilient-proxy: {error.Word}: {error.Detail}";
        return Task.CompletedTask;
    }

    private static Task WriteProblemAsync(HttpContext context, ProxyError error, in ErrorFacts facts)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(error.Problem.MaxLength(facts));
        try
        {
            var body = buffer.AsMemory(0, error.Problem.Write(buffer, facts));
            var response = context.Response;
            response.StatusCode = error.StatusCode;
            response.ContentType = "application/problem+json";
            response.ContentLength = body.Length;
            response.Headers.CacheControl = "no-store";

            // By its letters: the server takes "head" for a method that nobody knows, and waits for the body that is declared.
            if (string.Equals(context.Request.Method, HttpMethods.Head, StringComparison.Ordinal))
            {
                return Task.CompletedTask;
            }

            // The server takes the bytes over before it returns; what may take its time is the client.
            var writing = response.BodyWriter.WriteAsync(body, context.RequestAborted);
            return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Makes a started response visibly incomplete: HTTP/2 resets the stream, HTTP/1.1 closes the connection without the end of the message.</summary>
    /// <remarks>RFC 9112 section 8, RFC 9113 section 8.1: a client must be able to tell a truncated message from a whole one.</remarks>
    public static void BreakOff(HttpContext context)
    {
        const int InternalError = 2; // RFC 9113 section 7
        if (context.Features.Get<IHttpResetFeature>() is { } reset)
        {
            reset.Reset(InternalError);
        }
        else
        {
            context.Abort();
        }
    }
}
