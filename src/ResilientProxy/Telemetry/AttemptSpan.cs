using System.Diagnostics;

namespace ResilientProxy.Telemetry;

/// <summary>The client span of one attempt; without a listener it is nothing.</summary>
/// <remarks>It never is the current one: attempts run side by side, and end in any order.</remarks>
internal readonly struct AttemptSpan
{
    private readonly Activity? _activity;

    private AttemptSpan(Activity activity) => _activity = activity;

    /// <summary>The <c>traceparent</c> that names this span to the upstream; null where there is no span.</summary>
    public string? TraceParent => _activity?.Id;

    /// <summary>Begins the span; see <see cref="RequestSpan.StartAttempt"/>.</summary>
    internal static AttemptSpan Start(Activity request, string method, string address, string cluster, string destination, int resendCount)
    {
        var current = Activity.Current;
        var activity = ProxyActivity.Source.StartActivity(ProxyActivity.Method(method), ActivityKind.Client, request.Context);
        Activity.Current = current;
        if (activity is null)
        {
            return default;
        }

        if (activity.IsAllDataRequested)
        {
            ProxyActivity.SetMethod(activity, method);
            if (Uri.TryCreate(address, UriKind.Absolute, out var uri))
            {
                activity.SetTag("server.address", uri.Host);
                activity.SetTag("server.port", uri.Port);
            }

            activity.SetTag("http.request.resend_count", resendCount);
            activity.SetTag("resilient_proxy.cluster", cluster);
            activity.SetTag("resilient_proxy.destination", destination);
        }

        return new(activity);
    }

    /// <summary>The attempt's outcome is known; a second call does nothing.</summary>
    /// <param name="outcome">"success", or the reason word.</param>
    /// <param name="isFailure">Whether that is a failure of the destination's; a client that left is none.</param>
    /// <param name="target">What was asked for; null where nothing was sent.</param>
    /// <param name="status">The response's status; null where there was none.</param>
    public void End(string outcome, bool isFailure, Uri? target, int? status)
    {
        if (_activity is not { IsStopped: false } activity)
        {
            return;
        }

        if (activity.IsAllDataRequested)
        {
            activity.SetTag("resilient_proxy.outcome", outcome);
            activity.SetTag("url.full", target is null ? null : $"{target.Scheme}://{target.Authority}{target.AbsolutePath}"); // not the query: it may hold secrets
            activity.SetTag("http.response.status_code", status);
            if (isFailure)
            {
                activity.SetTag("error.type", outcome);
                activity.SetStatus(ActivityStatusCode.Error);
            }
        }

        var current = Activity.Current;
        activity.Stop();
        Activity.Current = current;
    }
}
