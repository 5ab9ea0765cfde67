using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace ResilientProxy.Http1;

/// <summary>What .NET's own client says of its connections, under the same names: nothing is counted per request.</summary>
internal static class Http1Metrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "ResilientProxy.Http1";

    private static readonly Meter Source = new(MeterName);
    private static readonly ConcurrentDictionary<ConnectionPool, byte> Pools = new();

    // Whatever was counted once is counted on: a series that ends would keep its last value. As many as configs name.
    private static readonly ConcurrentDictionary<(string Host, int Port), KeyValuePair<string, object?>[]> Authorities = new();

    private static readonly Histogram<double> TimeInQueue = Source.CreateHistogram(
        "http.client.request.time_in_queue", "s", "The amount of time requests spent on a queue waiting for an available connection.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] });

    private static readonly Histogram<double> Duration = Source.CreateHistogram(
        "http.client.connection.duration", "s", "The duration of successfully established outbound HTTP connections.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] });

    static Http1Metrics() => Source.CreateObservableUpDownCounter(
        "http.client.open_connections", Observe, "{connection}", "Number of outbound HTTP connections that are currently active or idle on the client.");

    /// <summary>A pool has a connection again.</summary>
    /// <param name="pool">The pool.</param>
    public static void Add(ConnectionPool pool)
    {
        Pools[pool] = 0;
        Tags(pool);
    }


    /// <summary>A pool has no connection any more.</summary>
    /// <param name="pool">The pool.</param>
    public static void Remove(ConnectionPool pool) => Pools.TryRemove(pool, out _);

    /// <summary>A request got a connection that was not at hand.</summary>
    /// <param name="pool">From where.</param>
    /// <param name="time">After how long.</param>
    public static void Waited(ConnectionPool pool, TimeSpan time)
    {
        if (TimeInQueue.Enabled)
        {
            TimeInQueue.Record(time.TotalSeconds, Tags(pool));
        }
    }

    /// <summary>A connection was closed.</summary>
    /// <param name="pool">Of which pool.</param>
    /// <param name="age">How old it was.</param>
    public static void Closed(ConnectionPool pool, TimeSpan age)
    {
        if (Duration.Enabled)
        {
            Duration.Record(age.TotalSeconds, Tags(pool));
        }
    }

    private static KeyValuePair<string, object?>[] Tags(ConnectionPool pool) => Authorities.GetOrAdd((pool.Host, pool.Port), static authority =>
    [
        new("network.protocol.version", "1.1"), new("server.address", authority.Host), new("server.port", authority.Port), new("url.scheme", "http"),
    ]);

    // Several clients may have connections to one authority, as after a reload: a series is their sum.
    private static IEnumerable<Measurement<long>> Observe()
    {
        var pools = Pools.Keys.ToLookup(static pool => (pool.Host, pool.Port));
        foreach (var (authority, tags) in Authorities)
        {
            var (open, idle) = (0, 0);
            foreach (var pool in pools[authority])
            {
                var count = pool.Count;
                open += count.Open;
                idle += count.Idle;
            }

            yield return new(open - idle, [new("http.connection.state", "active"), .. tags]);
            yield return new(idle, [new("http.connection.state", "idle"), .. tags]);
        }
    }
}
