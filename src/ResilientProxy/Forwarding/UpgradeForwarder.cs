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
    public async Task ForwardAsync(Exchange exchange, Attempt attempt, IReverseProxyFeature feature)
    {
        var context = exchange.Context;
        var route = exchange.Route!;
        exchange.StartSpan(attempt);
        var settings = route.Cluster.Request with { ActivityTimeout = route.Options.Timeouts.Idle };
        var transformer = new UpgradeTransformer(exchange, attempt, feature.Route.Transformer);
        var result = await forwarder.SendAsync(
            context, attempt.Destination.Address, route.Cluster.Client.Invoker, settings, transformer, attempt.Token);

        if (result == ForwarderError.None)
        {
            exchange.AttemptEnded(attempt, Words.Success);
            return;
        }

        var cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        if (result == ForwarderError.UpgradeActivityTimeout)
        {
            exchange.AttemptEnded(attempt, ProxyError.IdleTimeout.Word);
            route.Metrics.TimedOut(TimeoutKind.Idle);
            exchange.Failed(ProxyError.IdleTimeout, RequestOutcome.Timeout); // YARP has closed both sides
            return;
        }

        if (attempt.End == AttemptEnd.ClientLeft || context.RequestAborted.IsCancellationRequested)
        {
            exchange.AttemptEnded(attempt, Words.ClientLeft);
            exchange.ClientLeft();
            return;
        }

        if (transformer.Answered)
        {
            // After the upgrade either side may end it as it likes; a failure shows as a closed connection.
            exchange.AttemptEnded(attempt, ProxyError.ConnectionTerminated.Word);
            exchange.Failed(ProxyError.ConnectionTerminated, RequestOutcome.UpstreamError);
            return;
        }

        var failure = attempt.End switch
        {
            AttemptEnd.AttemptTimeout => ProxyError.AttemptTimeout,
            AttemptEnd.TotalTimeout => ProxyError.TotalTimeout,
            _ => cause is null ? ProxyError.ConnectionTerminated : FailureClassifier.Classify(cause).Error,
        };
        exchange.AttemptEnded(attempt, failure.Word);
        if (failure.StatusCode == StatusCodes.Status504GatewayTimeout)
        {
            route.Metrics.TimedOut(
                attempt.End == AttemptEnd.AttemptTimeout ? TimeoutKind.Attempt
                : attempt.End == AttemptEnd.TotalTimeout ? TimeoutKind.Total : TimeoutKind.Connect);
        }

        await exchange.AnswerAsync(
            failure, failure.StatusCode == StatusCodes.Status504GatewayTimeout ? RequestOutcome.Timeout : RequestOutcome.UpstreamError);
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
