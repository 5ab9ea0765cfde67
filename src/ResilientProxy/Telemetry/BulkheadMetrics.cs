using System.Collections.Concurrent;

namespace ResilientProxy.Telemetry;

/// <summary>A bulkhead at the moment of a scrape.</summary>
/// <param name="InFlight">Requests that have a place.</param>
/// <param name="Queued">Requests that wait for one.</param>
/// <param name="Limit">How many places there are.</param>
/// <param name="RejectedFull">Refused because all was full, since the start.</param>
/// <param name="RejectedByQueueTimeout">Refused because no place came free in time, since the start.</param>
internal readonly record struct BulkheadReading(long InFlight, long Queued, long Limit, long RejectedFull, long RejectedByQueueTimeout);

/// <summary>The series of all bulkheads. They count for themselves, and are asked at each scrape: that costs a request nothing.</summary>
internal sealed class BulkheadMetrics
{
    private readonly ConcurrentDictionary<string, Func<BulkheadReading>> _scopes = new(StringComparer.Ordinal);

    /// <summary>Registers the families.</summary>
    /// <param name="registry">Where.</param>
    public BulkheadMetrics(MetricRegistry registry)
    {
        registry.Observed("bulkhead_in_flight", "Requests, or attempts at a destination, that have a place.", MetricType.Gauge, "scope")
            .ObserveWith(() => Read(static reading => reading.InFlight));
        registry.Observed("bulkhead_queued", "Requests that wait for a place.", MetricType.Gauge, "scope")
            .ObserveWith(() => Read(static reading => reading.Queued));
        registry.Observed("bulkhead_limit", "How many places there are; an adaptive limit moves.", MetricType.Gauge, "scope")
            .ObserveWith(() => Read(static reading => reading.Limit));
        registry.Observed("bulkhead_rejected_total", "Requests that got no place: all was full, or none came free in time.", MetricType.Counter, "scope", "reason")
            .ObserveWith(() => _scopes.SelectMany(scope =>
            {
                var reading = scope.Value();
                return new[]
                {
                    new Observation(reading.RejectedFull, scope.Key, "full"),
                    new Observation(reading.RejectedByQueueTimeout, scope.Key, "queue_timeout"),
                };
            }));
    }

    /// <summary>A scope's bulkhead is this one from now on.</summary>
    /// <param name="scope">The scope, in the words of <see cref="MetricScope"/>.</param>
    /// <param name="read">Reads it; quick and thread-safe.</param>
    public void Observe(string scope, Func<BulkheadReading> read) => _scopes[scope] = read;

    /// <summary>Drops the scopes that are not in force any more.</summary>
    /// <param name="scopes">Those that are.</param>
    public void Retain(IReadOnlySet<string> scopes)
    {
        foreach (var scope in _scopes.Keys)
        {
            if (!scopes.Contains(scope))
            {
                _scopes.TryRemove(scope, out _);
            }
        }
    }

    private IEnumerable<Observation> Read(Func<BulkheadReading, long> value) =>
        _scopes.Select(scope => new Observation(value(scope.Value()), scope.Key));
}
