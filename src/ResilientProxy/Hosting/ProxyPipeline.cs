using ResilientProxy.Errors;
using ResilientProxy.Forwarding;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Hosting;

/// <summary>The rooms a request goes through before the forwarder, in their order.</summary>
internal static class ProxyPipeline
{
    /// <summary>Lays out the rooms.</summary>
    /// <param name="app">The traffic application.</param>
    /// <param name="models">Which model an endpoint is made from.</param>
    public static void Use(WebApplication app, ProxyModelStore models)
    {
        // Outermost, so that it sees the end of everything: one count and one line of the access log a request.
        app.UseMiddleware<ExchangeRoom>();

        // Before any work is done for a request that will be refused.
        app.UseMiddleware<OverloadRoom>();

        // What cannot be forwarded safely, whatever its route, and what asks for this proxy itself.
        app.UseMiddleware<RequestChecks>();

        // YARP's endpoints, each with the model that was in force when it was made: a request keeps it to its end.
        app.UseRouting();

        // From here on a request has a route, or its answer: nothing below asks again.
        app.Use((context, next) => EnterRoute(context, next, models));

        var forwarder = app.Services.GetRequiredService<ExchangeForwarder>();
        app.MapReverseProxy(proxy =>
        {
            proxy.UseSessionAffinity(); // narrows the destinations; what is left is ours to choose from
            proxy.Run(forwarder.ForwardAsync);
        }).Add(endpoint =>
        {
            var id = endpoint.Metadata.OfType<Yarp.ReverseProxy.Model.RouteModel>().Single().Config.RouteId;
            endpoint.Metadata.Add(models.Current!.Routes[id]);
        });
    }

    private static Task EnterRoute(HttpContext context, RequestDelegate next, ProxyModelStore models)
    {
        var exchange = Exchange.Of(context);
        if (context.GetEndpoint()?.Metadata.GetMetadata<ProxyRoute>() is not { } route)
        {
            return exchange.AnswerAsync(ProxyError.NoRoute, RequestOutcome.Rejected);
        }

        exchange.Route = route;
        if (exchange.Drain.IsDraining && UpgradeForwarder.IsUpgrade(context))
        {
            route.Metrics.RequestStarted();
            return exchange.AnswerAsync(ProxyError.Draining, RequestOutcome.Rejected, retryAfterSeconds: 1); // it would have to end at once
        }

        exchange.TrailHeader = models.Current!.Config.AttemptTrailHeader;
        route.Metrics.RequestStarted();
        if (route.RateLimit?.Admits(exchange, out var retryAfterSeconds) == false)
        {
            return exchange.AnswerAsync(ProxyError.RateLimited, RequestOutcome.Rejected, retryAfterSeconds);
        }

        route.Retry?.Budget.RequestStarted();
        route.Hedging?.RequestStarted();
        return next(context);
    }
}
