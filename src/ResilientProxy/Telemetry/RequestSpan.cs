using System.Diagnostics;

namespace ResilientProxy.Telemetry;

/// <summary>The server span of one request, and a verb for each thing that may happen to it; without a listener it is nothing, and the verbs do nothing.</summary>
/// <remarks>Names and attributes are those of the semantic conventions for HTTP; times are the wall clock's, as the listeners take them.</remarks>
internal readonly struct RequestSpan
{
    private readonly Activity? _activity;

    private RequestSpan(Activity? activity) => _activity = activity;

    /// <summary>The span; null when nobody listens, or the listener did not want this one.</summary>
    public Activity? Activity => _activity;

    /// <summary>Begins the span of a request, under the caller's where it sent a valid one.</summary>
    /// <param name="request">The request.</param>
    public static RequestSpan Start(HttpRequest request) =>
        ProxyActivity.Source.HasListeners() ? new(Begin(request)) : default;

    /// <summary>The request waited for a place.</summary>
    /// <param name="scope">Where, as the label <c>scope</c> says it: see <see cref="MetricScope"/>.</param>
    /// <param name="waited">How long.</param>
    /// <param name="admitted">Whether it got the place.</param>
    public void Queued(string scope, TimeSpan waited, bool admitted)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.queued", new("scope", scope), new("waited_ms", waited.TotalMilliseconds), new("admitted", admitted));
        }
    }

    /// <summary>An attempt failed and another one follows after a pause.</summary>
    /// <param name="reason">What failed, as the label of <c>retries_total</c> says it.</param>
    /// <param name="pause">How long the pause is; zero for none.</param>
    public void BackedOff(string reason, TimeSpan pause)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.backoff", new("reason", reason), new("delay_ms", pause.TotalMilliseconds));
        }
    }

    /// <summary>An attempt failed, or answered badly, and no other one follows.</summary>
    /// <param name="reason">Why not, as the label of <c>retries_stopped_total</c> says it.</param>
    public void RetryStopped(string reason)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.retry_stopped", new KeyValuePair<string, object?>("reason", reason));
        }
    }

    /// <summary>An attempt took long enough for a second one beside it.</summary>
    /// <param name="destination">Where the second one goes.</param>
    /// <param name="after">How long the first had taken by then.</param>
    public void Hedged(string destination, TimeSpan after)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.hedge", new("destination", destination), new("delay_ms", after.TotalMilliseconds));
        }
    }

    /// <summary>A breaker did not let the request through.</summary>
    /// <param name="destination">Whose; null where it was every destination's.</param>
    public void CircuitOpen(string? destination)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.circuit_open", new KeyValuePair<string, object?>("destination", destination ?? "*"));
        }
    }

    /// <summary>An attempt of this request changed a breaker's state.</summary>
    /// <param name="destination">Whose.</param>
    /// <param name="to">The new state, as the label <c>to</c> says it.</param>
    public void CircuitChanged(string destination, string to)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.circuit_changed", new("destination", destination), new("to", to));
        }
    }

    /// <summary>The fallback answers.</summary>
    /// <param name="reason">What for.</param>
    public void FellBack(string reason)
    {
        if (IsWanted)
        {
            Add("resilient_proxy.fallback", new KeyValuePair<string, object?>("reason", reason));
        }
    }

    /// <summary>Begins the client span of one attempt.</summary>
    /// <param name="method">The request's method.</param>
    /// <param name="address">The destination's URL prefix.</param>
    /// <param name="cluster">The cluster's name.</param>
    /// <param name="destination">The destination's name.</param>
    /// <param name="resendCount">How many attempts were begun before this one.</param>
    public AttemptSpan StartAttempt(string method, string address, string cluster, string destination, int resendCount) =>
        _activity is null ? default : AttemptSpan.Start(_activity, method, address, cluster, destination, resendCount);

    /// <summary>The response has ended.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">The route's name; null where none matched.</param>
    /// <param name="cluster">The cluster's name.</param>
    /// <param name="status">What the client was told; 499 where it left first.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="reason">The reason word of what went wrong, or null.</param>
    public void End(HttpRequest request, string? route, string? cluster, int status, RequestOutcome outcome, string? reason)
    {
        if (_activity is not { } activity)
        {
            return;
        }

        if (activity.IsAllDataRequested)
        {
            // The route is known by now: method and route make the name, of which there are only so many.
            if (route is not null)
            {
                activity.DisplayName = $"{ProxyActivity.Method(request.Method)} {route}";
                activity.SetTag("http.route", route);
                activity.SetTag("resilient_proxy.cluster", cluster);
            }

            activity.SetTag("http.response.status_code", status);
            activity.SetTag("resilient_proxy.outcome", outcome.Word());
            if (reason is not null || status >= 500)
            {
                activity.SetTag("error.type", reason ?? status.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }

            // A client that was refused or left is no error of the server's: the conventions leave 4xx unset.
            if (status >= 500 || outcome is RequestOutcome.UpstreamError or RequestOutcome.Timeout)
            {
                activity.SetStatus(ActivityStatusCode.Error);
            }
        }

        activity.Stop();
    }

    private bool IsWanted => _activity is { IsAllDataRequested: true };

    private static Activity? Begin(HttpRequest request)
    {
        ActivityContext parent = default;
        var traceParent = request.Headers.TraceParent;
        if (TraceContext.IsValid(traceParent) && ActivityContext.TryParse(traceParent, request.Headers.TraceState, isRemote: true, out var caller))
        {
            parent = caller;
        }
        else
        {
            Activity.Current = null; // else whatever runs around us would be taken for the caller
        }

        var activity = ProxyActivity.Source.StartActivity(ProxyActivity.Method(request.Method), ActivityKind.Server, parent);
        if (activity is { IsAllDataRequested: true })
        {
            ProxyActivity.SetMethod(activity, request.Method);
            var path = request.Path.Value ?? "";
            activity.SetTag("url.scheme", request.Scheme);
            activity.SetTag("url.path", path.Length <= AccessLog.MaxPathLength ? path : path[..AccessLog.MaxPathLength]); // not the query: it may hold secrets
            activity.SetTag("client.address", request.HttpContext.Connection.RemoteIpAddress?.ToString());
            activity.SetTag("server.address", request.Host.Host);
            activity.SetTag("server.port", request.Host.Port);
            activity.SetTag("network.protocol.version", request.Protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? request.Protocol[5..] : null);
        }

        return activity;
    }

    private void Add(string name, params ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _activity!.AddEvent(new ActivityEvent(name, tags: [.. tags]));
}
