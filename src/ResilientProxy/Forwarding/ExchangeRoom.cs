using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Forwarding;

/// <summary>The outermost room: begins the exchange, counts its end and writes its line of the access log, whatever happened inside.</summary>
internal sealed partial class ExchangeRoom(
    RequestDelegate next,
    ProxyModelStore models,
    ProxyMetrics metrics,
    AccessLog accessLog,
    RecentFailures failures,
    TimerSweep sweep,
    ProxyIdentity proxy,
    ILogger<ExchangeRoom> logger)
{
    /// <summary>Handles one request.</summary>
    /// <param name="context">The request.</param>
    public async Task InvokeAsync(HttpContext context)
    {
        var exchange = new Exchange(context, sweep.Time.GetTimestamp(), proxy)
        {
            Client = ClientAddress.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, models.Current!.Config.KnownProxies),
        };
        context.Features.Set(exchange);
        try
        {
            if (ForwardedHeaders.HasLooped(context.Request.Headers, proxy))
            {
                await exchange.AnswerAsync(ProxyError.Loop, RequestOutcome.Rejected);
                return;
            }

            ForwardedHeaders.RemoveNamedByConnection(context.Request.Headers);
            await next(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            exchange.ClientLeft();
        }
        catch (Exception error)
        {
            Log.Unexpected(logger, context.Request.Method, exchange.Route?.Id ?? ProxyMetrics.NoRoute, error);
            await exchange.AnswerAsync(ProxyError.InternalError, RequestOutcome.UpstreamError);
        }
        finally
        {
            await exchange.ClearedAsync();
            exchange.Body?.Dispose();
            End(exchange);
        }
    }

    private void End(Exchange exchange)
    {
        var context = exchange.Context;
        var route = exchange.Route?.Metrics ?? metrics.Unmatched;
        var status = exchange.StatusForLog;
        var duration = sweep.Time.GetElapsedTime(exchange.Started);
        if (exchange.Route is null)
        {
            route.RequestStarted(); // nothing matched: there was no route to count it with before
        }

        route.RequestEnded(status, exchange.Outcome, duration, exchange.Trace.TraceId);
        exchange.Span.End(context.Request, exchange.Route?.Id, exchange.Route?.Cluster.Id, status, exchange.Outcome, exchange.Reason);
        var bytesIn = exchange.Body?.BytesRead ?? 0;
        route.BytesFromClient(bytesIn);
        route.BytesToClient(exchange.BytesOut);
        route.BytesToUpstream(bytesIn);
        route.BytesFromUpstream(exchange.BytesOut);
        var isLogged = accessLog.Wants(exchange.Outcome);
        var isRemarkable = exchange is { Route: not null, IsPlainSuccess: false } // what matched no route says nothing about an upstream
            && (exchange.Outcome != RequestOutcome.Rejected || failures.WantsRefusal(exchange.Reason));
        if (!isLogged && !isRemarkable)
        {
            return;
        }

        var request = context.Request;
        var entry = new AccessLogEntry
        {
            Time = sweep.Time.GetUtcNow() - duration,
            Route = exchange.Route?.Id ?? ProxyMetrics.NoRoute,
            Cluster = exchange.Route?.Cluster.Id ?? "",
            Method = request.Method,
            Path = request.Path.Value ?? "",
            HasQuery = request.QueryString.HasValue,
            Status = status,
            BytesIn = bytesIn,
            BytesOut = exchange.BytesOut,
            Duration = duration,
            Client = exchange.Client.Address,
            Protocol = request.Protocol,
            TraceId = exchange.Trace.TraceId,
            Outcome = exchange.Outcome,
            Reason = exchange.Reason,
            Attempts = exchange.Trail,
            Stopped = exchange.Stopped,
            Headers = accessLog.Headers.Of(request.Headers),
        };
        if (isLogged)
        {
            accessLog.Write(entry);
        }

        if (isRemarkable)
        {
            failures.Add(entry);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "A {Method} request of route {Route} failed in the proxy itself.")]
        public static partial void Unexpected(ILogger logger, string method, string route, Exception error);
    }
}
