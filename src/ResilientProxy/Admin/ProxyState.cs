namespace ResilientProxy.Admin;

/// <summary>The proxy at one moment: what <c>GET /state</c> answers and the dashboard draws.</summary>
/// <param name="Time">The moment.</param>
/// <param name="Version">The build's.</param>
/// <param name="UptimeSeconds">Since the process serves.</param>
/// <param name="Ready">Whether new work is welcome.</param>
/// <param name="Draining">Whether a drain has begun.</param>
/// <param name="TokenRequired">Whether the verbs ask for a token.</param>
/// <param name="Config">The last reload.</param>
/// <param name="Routes">The routes by name.</param>
/// <param name="Clusters">The clusters by name.</param>
/// <param name="RecentFailures">The last requests that failed or had to be rescued, the newest first.</param>
internal sealed record ProxyState(
    DateTimeOffset Time,
    string Version,
    double UptimeSeconds,
    bool Ready,
    bool Draining,
    bool TokenRequired,
    ConfigState Config,
    IReadOnlyDictionary<string, RouteState> Routes,
    IReadOnlyDictionary<string, ClusterState> Clusters,
    IReadOnlyList<FailureState> RecentFailures);
