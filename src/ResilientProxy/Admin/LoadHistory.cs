using ResilientProxy.Forwarding;

namespace ResilientProxy.Admin;

/// <summary>Readings of the last minute, so that an operator sees what is going on now and not what was since the start.</summary>
internal sealed class LoadHistory : IDisposable
{
    /// <summary>The time between two readings.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>The longest time that can be looked back.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ProxyModelStore _models;
    private readonly Queue<Moment> _moments = new();
    private readonly ITimer _timer;

    /// <summary>Reads from now on.</summary>
    /// <param name="models">What is in force.</param>
    /// <param name="time">The clock.</param>
    public LoadHistory(ProxyModelStore models, TimeProvider time)
    {
        _models = models;
        _time = time;
        _moments.Enqueue(new(time.GetTimestamp(), [])); // the beginning: nothing was counted before it
        _timer = time.CreateTimer(_ => Read(), state: null, Interval, Interval);
    }

    /// <summary>What a route or a destination did lately.</summary>
    /// <param name="series">Its series: what the readings are kept by.</param>
    /// <param name="now">What it has counted by now.</param>
    /// <param name="window">How far to look back, up to <see cref="Longest"/>.</param>
    public RecentLoad Recent(object series, LoadReading now, TimeSpan window)
    {
        var timestamp = _time.GetTimestamp();
        lock (_lock)
        {
            // The youngest moment that is old enough, or else the oldest there is.
            var from = _moments.Peek();
            foreach (var moment in _moments)
            {
                if (_time.GetElapsedTime(moment.Timestamp, timestamp) < window)
                {
                    break;
                }

                from = moment;
            }

            return RecentLoad.Between(now, from.Readings.GetValueOrDefault(series), _time.GetElapsedTime(from.Timestamp, timestamp));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Read()
    {
        if (_models.Current is not { } model)
        {
            return;
        }

        var readings = new Dictionary<object, LoadReading>(ReferenceEqualityComparer.Instance);
        foreach (var route in model.Routes.Values)
        {
            readings[route.Metrics] = LoadReading.Of(route.Metrics);
        }

        foreach (var destination in model.Clusters.Values.SelectMany(cluster => cluster.Destinations))
        {
            readings[destination.Metrics] = LoadReading.Of(destination.Metrics);
        }

        var now = _time.GetTimestamp();
        lock (_lock)
        {
            _moments.Enqueue(new(now, readings));
            while (_moments.Count > (Longest / Interval) + 1)
            {
                _moments.Dequeue();
            }
        }
    }

    private sealed record Moment(long Timestamp, Dictionary<object, LoadReading> Readings);
}
