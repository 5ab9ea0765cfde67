using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace ResilientProxy.Forwarding;

/// <summary>Writes <c>X-Forwarded-*</c> in place of YARP's defaults: afresh, except that what a known proxy said is kept and added to.</summary>
/// <remarks>
/// It asks the exchange, not the config: a reload changes whom it believes without a new route. Any transform of a route that speaks of
/// these headers switches YARP's defaults off, and with them this.
/// </remarks>
internal sealed class ForwardedForTransform : RequestTransform, ITransformProvider
{
    /// <summary>Who asks.</summary>
    public const string For = "X-Forwarded-For";

    /// <summary>Whom they asked.</summary>
    public const string Host = "X-Forwarded-Host";

    /// <summary>How: the scheme.</summary>
    public const string Proto = "X-Forwarded-Proto";

    /// <summary>The path before the path that is forwarded.</summary>
    public const string Prefix = "X-Forwarded-Prefix";

    /// <summary>The same in the form of RFC 7239.</summary>
    public const string Forwarded = "Forwarded";

    private static readonly RequestTransform[] Fresh =
    [
        new RequestHeaderXForwardedForTransform(For, ForwardedTransformActions.Set),
        new RequestHeaderXForwardedHostTransform(Host, ForwardedTransformActions.Set),
        new RequestHeaderXForwardedProtoTransform(Proto, ForwardedTransformActions.Set),
        new RequestHeaderXForwardedPrefixTransform(Prefix, ForwardedTransformActions.Set),
    ];

    private static readonly RequestTransform Appended = new RequestHeaderXForwardedForTransform(For, ForwardedTransformActions.Append);

    /// <inheritdoc/>
    public void ValidateRoute(TransformRouteValidationContext context)
    {
        // Nothing of it stands in a route.
    }

    /// <inheritdoc/>
    public void ValidateCluster(TransformClusterValidationContext context)
    {
        // Nothing of it stands in a cluster.
    }

    /// <inheritdoc/>
    public void Apply(TransformBuilderContext context)
    {
        if (context.UseDefaultForwarders ?? true)
        {
            context.UseDefaultForwarders = false;
            context.RequestTransforms.Add(this);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask ApplyAsync(RequestTransformContext context)
    {
        if (!Exchange.Of(context.HttpContext).Client.PeerIsKnown)
        {
            foreach (var transform in Fresh)
            {
                await transform.ApplyAsync(context);
            }

            RemoveHeader(context, Forwarded); // says the same in RFC 7239's form, and would be believed the same
            return;
        }

        await Appended.ApplyAsync(context);
        await KeepAsync(context, Host, Fresh[1]);
        await KeepAsync(context, Proto, Fresh[2]);
        await KeepAsync(context, Prefix, Fresh[3]);
    }

    private static async ValueTask KeepAsync(RequestTransformContext context, string name, RequestTransform otherwise)
    {
        var said = TakeHeader(context, name);
        if (StringValues.IsNullOrEmpty(said))
        {
            await otherwise.ApplyAsync(context);
        }
        else
        {
            AddHeader(context, name, said);
        }
    }
}
