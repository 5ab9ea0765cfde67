using System.Text.Json;
using ResilientProxy.Hosting;

namespace ResilientProxy.Admin;

/// <summary>Puts the state together, for whoever asks.</summary>
internal sealed class StateSource : IDisposable
{
    private static readonly JsonSerializerOptions Compact = new(JsonSerializerDefaults.Web);
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    // Listeners that ask at about the same time get the same bytes: many open dashboards cost as much as one.
    private static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(400);

    private readonly Lock _lock = new();
    private readonly ProxyParts _parts;
    private readonly ConfigReloader _reloader;
    private readonly LoadHistory _history;
    private readonly long _started;
    private byte[] _shared = [];
    private long _sharedAt;

    /// <summary>Begins to remember.</summary>
    /// <param name="parts">What is shown.</param>
    /// <param name="reloader">The reloads.</param>
    public StateSource(ProxyParts parts, ConfigReloader reloader)
    {
        _parts = parts;
        _reloader = reloader;
        _history = new LoadHistory(parts.Models, parts.Time);
        _started = parts.Time.GetTimestamp();
    }

    /// <summary>The state now, for a person to read.</summary>
    public byte[] ReadIndented() => JsonSerializer.SerializeToUtf8Bytes(Read(), Indented);

    /// <summary>The state now, in one line.</summary>
    public byte[] ReadNow() => JsonSerializer.SerializeToUtf8Bytes(Read(), Compact);

    /// <summary>The state now or just before, in one line.</summary>
    public byte[] ReadShared()
    {
        lock (_lock)
        {
            var now = _parts.Time.GetTimestamp();
            if (_shared.Length == 0 || _parts.Time.GetElapsedTime(_sharedAt, now) >= FreshFor)
            {
                _shared = ReadNow();
                _sharedAt = now;
            }

            return _shared;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _history.Dispose();

    private ProxyState Read()
    {
        var model = _parts.Models.Current!;
        return new(
            _parts.Time.GetUtcNow(),
            typeof(StateSource).Assembly.GetName().Version?.ToString(3) ?? "unknown",
            Math.Round(_parts.Time.GetElapsedTime(_started).TotalSeconds, 1),
            _parts.Drain.IsReady,
            _parts.Drain.State.IsDraining,
            _parts.AdminOptions.Token is not null,
            ConfigState.Of(_reloader),
            model.Routes.Values.ToDictionary(static route => route.Id, route => RouteState.Of(route, _history)),
            model.Clusters.Values.ToDictionary(static cluster => cluster.Id, cluster => ClusterState.Of(model, cluster, _history)),
            [.. _parts.Failures.NewestFirst().Select(FailureState.Of)]);
    }
}
