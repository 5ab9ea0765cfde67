using ResilientProxy.Admission;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>Refuses a request while the proxy itself is overloaded, before anything was done for it.</summary>
internal sealed class OverloadRoom(RequestDelegate next, OverloadState state, ProxyMetrics metrics)
{
    private const int RetryAfterSeconds = 1;

    /// <summary>Handles one request.</summary>
    /// <param name="context">The request.</param>
    public Task InvokeAsync(HttpContext context)
    {
        if (!state.Refuses)
        {
            return next(context);
        }

        metrics.Overload.Rejected(state.Reason);
        return Exchange.Of(context).AnswerAsync(ProxyError.Overloaded, RequestOutcome.Rejected, RetryAfterSeconds);
    }
}
