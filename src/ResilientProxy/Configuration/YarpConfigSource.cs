using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration;

/// <summary>Hands YARP the routes and clusters in force, and says when YARP has taken them over.</summary>
/// <remarks>
/// YARP's stock provider drops every route when the file is deleted and tells nobody whether a config took effect. This one only ever hands over
/// a config that was checked as a whole.
/// </remarks>
internal sealed class YarpConfigSource : IProxyConfigProvider, IConfigChangeListener
{
    private volatile Snapshot _current = new([], []);
    private TaskCompletionSource? _applied;

    /// <inheritdoc/>
    public IProxyConfig GetConfig() => _current;

    /// <summary>The first config, before YARP asks for one.</summary>
    /// <param name="routes">The routes.</param>
    /// <param name="clusters">The clusters.</param>
    public void Start(IReadOnlyList<RouteConfig> routes, IReadOnlyList<ClusterConfig> clusters) => _current = new(routes, clusters);

    /// <summary>Replaces the config; completes when YARP routes by the new one. Not to be called again before that.</summary>
    /// <param name="routes">The routes.</param>
    /// <param name="clusters">The clusters.</param>
    /// <exception cref="InvalidOperationException">YARP refused it; the one before stays in force.</exception>
    public async Task ReplaceAsync(IReadOnlyList<RouteConfig> routes, IReadOnlyList<ClusterConfig> clusters)
    {
        var before = _current;
        var applied = _applied = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _current = new(routes, clusters);
        before.Changed();
        await applied.Task;
    }

    /// <inheritdoc/>
    public void ConfigurationLoadingFailed(IProxyConfigProvider configProvider, Exception exception) =>
        _applied?.TrySetException(new InvalidOperationException("YARP could not load the config.", exception));

    /// <inheritdoc/>
    public void ConfigurationLoaded(IReadOnlyList<IProxyConfig> proxyConfigs)
    {
        // Loaded is not applied yet.
    }

    /// <inheritdoc/>
    public void ConfigurationApplyingFailed(IReadOnlyList<IProxyConfig> proxyConfigs, Exception exception) =>
        _applied?.TrySetException(new InvalidOperationException("YARP could not apply the config.", exception));

    /// <inheritdoc/>
    public void ConfigurationApplied(IReadOnlyList<IProxyConfig> proxyConfigs) => _applied?.TrySetResult();

    private sealed class Snapshot : IProxyConfig
    {
        private readonly ConfigurationReloadToken _token;

        public Snapshot(IReadOnlyList<RouteConfig> routes, IReadOnlyList<ClusterConfig> clusters)
        {
            Routes = routes;
            Clusters = clusters;
            ChangeToken = _token = new ConfigurationReloadToken();
        }

        public IReadOnlyList<RouteConfig> Routes { get; }

        public IReadOnlyList<ClusterConfig> Clusters { get; }

        public IChangeToken ChangeToken { get; }

        public void Changed() => _token.OnReload();
    }
}
