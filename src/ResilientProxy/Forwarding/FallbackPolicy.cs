using ResilientProxy.Fallback;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>A route's fallback, prepared for the request path: what it stands in for, and with what.</summary>
internal sealed class FallbackPolicy
{
    private readonly FallbackAnswer? _answer;

    /// <summary>Prepares a fallback.</summary>
    /// <param name="options">The route's options.</param>
    /// <param name="backup">The cluster that is tried; null for the static answer.</param>
    public FallbackPolicy(FallbackOptions options, RouteTarget? backup)
    {
        Options = options;
        Backup = backup;
        _answer = backup is null ? new FallbackAnswer(options) : null;
    }

    /// <summary>The route's options.</summary>
    public FallbackOptions Options { get; }

    /// <summary>The cluster that is tried; null for the static answer.</summary>
    public RouteTarget? Backup { get; }

    /// <summary>Whether the request gets the fallback in place of an upstream's answer.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="status">The answer's status.</param>
    public bool Replaces(Exchange exchange, int status) =>
        Options.On.Any(condition => condition.Covers(status)) && CanServe(exchange, notReceived: false);

    /// <summary>Whether the request gets the fallback in place of a failure.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="unanswered">The failure.</param>
    public bool Covers(Exchange exchange, Unanswered unanswered) =>
        (unanswered.Error is null || Options.On.Any(condition => condition.Covers(unanswered.Error))) && CanServe(exchange, unanswered.NotReceived);

    /// <summary>Sends the static answer.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="unanswered">What it stands in for.</param>
    public async Task AnswerAsync(Exchange exchange, Unanswered unanswered)
    {
        exchange.Failed(unanswered.Error, RequestOutcome.Fallback);
        exchange.Context.Response.Clear();
        exchange.ShowTrail();
        exchange.Context.Response.Headers[HopStatus.ProxyStatus] = StatusOf(unanswered, "static");
        Count(exchange);
        exchange.BytesOut += await _answer!.WriteAsync(exchange.Context);
    }

    /// <summary>The <c>Proxy-Status</c> of an answer that stands in for another one.</summary>
    /// <param name="unanswered">What it stands in for.</param>
    /// <param name="by">What stands in: "static", or a cluster's name.</param>
    public static string StatusOf(Unanswered unanswered, string by) => unanswered.Error is { } error
        ? $"resilient-proxy; error={error.Word}; details=\"{error.Detail}\"; fallback=\"{by}\""
        : $"resilient-proxy; received-status={unanswered.UpstreamStatus}; fallback=\"{by}\"";

    /// <summary>The fallback's answer is the one that counts.</summary>
    /// <param name="exchange">The request.</param>
    public static void Count(Exchange exchange)
    {
        exchange.Route!.Metrics.FellBack();
        exchange.Span.FellBack(exchange.Reason ?? "status");
        exchange.Route.Metrics.Rescued(Words.ByFallback);
    }

    // A static answer can always be given; another cluster must be able to get the whole request, once only where that matters, in time.
    private bool CanServe(Exchange exchange, bool notReceived) =>
        !exchange.Context.Response.HasStarted
        && (Backup is null
            || (exchange.Body is null or { CanReplay: true } && exchange.Deadline!.Left > TimeSpan.Zero
                && (notReceived || exchange.Route!.MayRepeat(exchange.Context.Request.Method))));
}
