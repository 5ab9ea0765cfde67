using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Upgraded connections (WebSocket over HTTP/1.1 and HTTP/2) through YARP's own forwarder: its care, our timers and answers.</summary>
internal sealed class UpgradeForwarder(IHttpForwarder forwarder)
{
    /// <summary>Whether the request asks for an upgrade that is forwarded: a WebSocket, or any HTTP/1.1 upgrade a client may ask for.</summary>
    /// <param name="context">The request.</param>
    public static bool IsUpgrade(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true })
        {
            return true; // RFC 8441
        }

        return HttpProtocol.IsHttp11(context.Request.Protocol)
            && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            && string.Equals(context.Request.Headers[HeaderNames.Upgrade], "websocket", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Forwards until one side closes, is silent for too long, or fails.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="attempt">The attempt; its timer runs until the upstream has answered.</param>
    /// <param name="feature">YARP's view of the request.</param>
    /// <returns>The failure where the upstream has not answered, and the client has no answer yet; else null.</returns>
    public async ValueTask<AttemptFailure?> ForwardAsync(Exchange exchange, Attempt attempt, IReverseProxyFeature feature)
    {
        var context = exchange.Context;
        var route = exchange.Route!;
        exchange.StartSpan(attempt);
        var settings = attempt.Cluster.Request with { ActivityTimeout = route.Options.Timeouts.Idle };
        var transformer = new UpgradeTransformer(exchange, attempt, feature.Route.Transformer);
        var upgrade = new WebSocketUpgrade(context, attempt);
        var result = await forwarder.SendAsync(
            context, attempt.Destination.Address, attempt.Cluster.Client.UpgradeInvoker, settings, transformer, attempt.Token);
        upgrade.Leave(context);
        if (attempt.WebSocket is { IsClosed: true } || attempt.End == AttemptEnd.Draining)
        {
            exchange.AttemptEnded(attempt, Words.Success, AttemptVerdict.Success); // however it ended: the proxy asked for it
            exchange.Failed(ProxyError.Draining, attempt.WebSocket is { IsClosed: true } ? RequestOutcome.Success : RequestOutcome.Rejected);
            return null;
        }

        if (result == ForwarderError.None)
        {
            exchange.AttemptEnded(attempt, Words.Success, AttemptVerdict.Success);
            return null;
        }

        if (result == ForwarderError.UpgradeActivityTimeout)
        {
            exchange.AttemptEnded(attempt, ProxyError.IdleTimeout.Word, AttemptVerdict.Success); // both sides were silent: nobody's failure
            route.Metrics.TimedOut(TimeoutKind.Idle);
            exchange.Failed(ProxyError.IdleTimeout, RequestOutcome.Timeout); // YARP has closed both sides
            return null;
        }

        if (attempt.End == AttemptEnd.ClientLeft || context.RequestAborted.IsCancellationRequested)
        {
            exchange.AttemptEnded(attempt, Words.ClientLeft, AttemptVerdict.Nothing);
            exchange.ClientLeft();
            return null;
        }

        if (result == ForwarderError.UpgradeResponseClient && !context.Response.HasStarted)
        {
            // The upstream agreed, but our own server has as many upgraded connections as it may: the one reason for which it refuses.
            exchange.AttemptEnded(attempt, Words.Success, AttemptVerdict.Success);
            exchange.FirstByteSent = false;
            await exchange.AnswerAsync(ProxyError.UpgradeLimit, RequestOutcome.Rejected, retryAfterSeconds: 1);
            return null;
        }

        if (transformer.Answered)
        {
            // After the upgrade either side may end it as it likes; a failure shows as a closed connection.
            exchange.AttemptEnded(attempt, ProxyError.ConnectionTerminated.Word, AttemptVerdict.Success);
            exchange.Failed(ProxyError.ConnectionTerminated, RequestOutcome.UpstreamError);
            return null;
        }

        var cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        var failure = FailureClassifier.OfTimer(attempt.End, cause)
            ?? (cause is null ? new(ProxyError.ConnectionTerminated, NotReceived: false, StaleConnection: false, cause) : FailureClassifier.Classify(cause));
        if (AttemptSender.TimeoutKindOf(failure.Error) is { } kind)
        {
            route.Metrics.TimedOut(kind);
        }

        // What YARP has set for its own answer: the next attempt, or our own answer, begins clean.
        context.Features.Set<IForwarderErrorFeature>(null);
        if (!context.Response.HasStarted)
        {
            context.Response.Clear();
        }

        return failure;
    }

    // The route's transforms, and the moment the upstream has answered: from then on only silence ends the connection.
    private sealed class UpgradeTransformer(Exchange exchange, Attempt attempt, HttpTransformer inner) : HttpTransformer
    {
        public bool Answered { get; private set; }

        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await inner.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            ForwardedHeaders.Apply(exchange, attempt, proxyRequest);
        }

        public override ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (proxyResponse is not null)
            {
                Answered = true;
                attempt.Answered(proxyResponse.StatusCode < System.Net.HttpStatusCode.InternalServerError ? AttemptVerdict.Success : AttemptVerdict.Failure);
                attempt.Life = LifeSpan.Endless;
                attempt.WatchIdle(Timeout.InfiniteTimeSpan); // YARP's activity timer watches both directions from here
                exchange.FirstByteSent = true;
            }

            return inner.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        }

        public override ValueTask TransformResponseTrailersAsync(
            HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) =>
            inner.TransformResponseTrailersAsync(httpContext, proxyResponse, cancellationToken);
    }
}
