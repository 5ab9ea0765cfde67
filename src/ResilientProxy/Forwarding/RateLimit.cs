using ResilientProxy.RateLimiting;

namespace ResilientProxy.Forwarding;

/// <summary>A route's limiter, and what its clients are told of it.</summary>
/// <param name="Limiter">The limiter.</param>
/// <param name="Fields">The response fields.</param>
internal sealed record RateLimit(RouteRateLimiter Limiter, RateLimitFields Fields)
{
    /// <summary>Asks for a permit, and has the answer say how many are left, whoever answers.</summary>
    /// <param name="exchange">The request; its client is known.</param>
    /// <param name="retryAfterSeconds">Where it is refused: when it may come again.</param>
    /// <returns>Whether it may go on.</returns>
    public bool Admits(Exchange exchange, out int retryAfterSeconds)
    {
        var context = exchange.Context;
        var verdict = Limiter.Take(exchange.Client.Address, context.Request.Headers);

        // At the start of the response: until then another attempt may clear it.
        context.Response.OnStarting(static state => ((Note)state).WriteAsync(), new Note(this, context, verdict));
        retryAfterSeconds = verdict.SecondsUntilMore;
        if (!verdict.IsAdmitted)
        {
            exchange.Route!.Metrics.RateLimited();
        }

        return verdict.IsAdmitted;
    }

    private sealed class Note(RateLimit limit, HttpContext context, RateLimitVerdict verdict)
    {
        public Task WriteAsync()
        {
            limit.Fields.Add(context.Response.Headers, verdict);
            return Task.CompletedTask;
        }
    }
}
