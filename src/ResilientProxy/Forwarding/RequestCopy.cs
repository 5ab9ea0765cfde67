using Microsoft.AspNetCore.Http.Features;
using ResilientProxy.Http1;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Makes the message of one attempt from the client's request.</summary>
internal static class RequestCopy
{
    private static readonly Version Http11 = System.Net.HttpVersion.Version11;
    private static readonly Version Http2 = System.Net.HttpVersion.Version20;

    /// <summary>Builds the attempt's request: method, target and headers by YARP's transforms, then what every forwarded request carries.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="feature">YARP's view of it; its destination is the attempt's.</param>
    /// <param name="attempt">The attempt.</param>
    /// <returns>False where a transform answered the client by itself.</returns>
    public static ValueTask<bool> BuildAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt)
    {
        var isPlain = IsPlain(feature);
        var message = isPlain ? new PlainRequest() : new HttpRequestMessage();
        message.Method = HttpMethod.Parse(exchange.Context.Request.Method);
        attempt.Request = message;
        exchange.StartSpan(attempt);

        (message.Version, message.VersionPolicy) = VersionFor(attempt.Cluster.Request, attempt.Destination.IsHttps);

        if (exchange.Body is { } body)
        {
            message.Content = attempt.Content = new ForwardedContent(body, attempt);
        }

        if (isPlain && attempt.Cluster.Client.TakesHeads(message.Version) && PlainHead.TryWrite(exchange, attempt.Destination, (PlainRequest)message))
        {
            message.RequestUri = attempt.Destination.Plain!.Uri; // says where the connection goes; the target stands in the head
            return new(true);
        }

        return TransformAsync(exchange, feature, attempt, message);
    }

    private static async ValueTask<bool> TransformAsync(Exchange exchange, IReverseProxyFeature feature, Attempt attempt, HttpRequestMessage message)
    {
        var context = exchange.Context;
        var destination = attempt.Destination;

        // Before the transforms: YARP makes a URI only where there is none.
        var target = exchange.Route!.Target;
        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var alone = target.BuildAlone(rawTarget, destination.Address);
        message.RequestUri = alone;
        await feature.Route.Transformer.TransformRequestAsync(context, message, destination.Address, attempt.Token);
        if (context.Response.HasStarted || context.Response.StatusCode != StatusCodes.Status200OK)
        {
            return false;
        }

        var request = context.Request;
        message.RequestUri = alone ?? target.Build(
            rawTarget,
            destination.Address,
            message.RequestUri ?? RequestUtilities.MakeDestinationAddress(destination.Address, request.Path, request.QueryString));
        ForwardedHeaders.Apply(exchange, attempt, message);
        return true;
    }

    // No transform of the route's, and none of YARP's own for affinity, wants to see the request's headers or the answer's.
    private static bool IsPlain(IReverseProxyFeature feature) =>
        feature.Route.Config.Transforms is null or { Count: 0 } && feature.Cluster.Config.SessionAffinity is not { Enabled: true };

    /// <summary>The HTTP version to speak to a destination.</summary>
    /// <param name="config">YARP's <c>HttpRequest</c> settings.</param>
    /// <param name="isHttps">Whether connections are encrypted.</param>
    public static (Version Version, HttpVersionPolicy Policy) VersionFor(ForwarderRequestConfig config, bool isHttps)
    {
        var version = config.Version ?? Http2;
        var policy = config.VersionPolicy ?? HttpVersionPolicy.RequestVersionOrLower;

        // Without TLS there is nothing to negotiate with: "or lower" means HTTP/1.1, said at once.
        return (!isHttps && policy == HttpVersionPolicy.RequestVersionOrLower && version.Major > 1 ? Http11 : version, policy);
    }
}
