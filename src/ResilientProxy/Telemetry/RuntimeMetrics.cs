using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ResilientProxy.Http1;

namespace ResilientProxy.Telemetry;

/// <summary>What .NET, Kestrel and the HTTP client say about themselves, and what the operating system says about the process.</summary>
/// <remarks>
/// A <see cref="MeterListener"/> sees the whole process: where several proxies share one, as in tests, each shows the sum of all. What
/// counts ups and downs counts from the moment this is made, so make it before the listeners open.
/// </remarks>
internal sealed class RuntimeMetrics : IDisposable
{
    /// <summary>Series one instrument may have: tags come from addresses and protocol versions, a few hundred at most.</summary>
    private const int MaxSeries = 1000;

    // The client's other instruments (request.duration, active_requests) are recorded with a fresh list of tags for every request, which
    // costs each request more than all of our own metrics do; attempts_total and attempt_duration_seconds say the same.
    private static readonly HashSet<string> ClientInstruments =
        ["http.client.open_connections", "http.client.connection.duration", "http.client.request.time_in_queue"];

    private readonly ConcurrentDictionary<string, InstrumentFamily> _families = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<MetricFamily> _process = ProcessMetrics.Families();
    private readonly MeterListener _listener = new();

    /// <param name="overflowed">Counts measurements whose tags got no series of their own.</param>
    public RuntimeMetrics(Counter overflowed)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (IsWanted(instrument))
            {
                var family = InstrumentFamily.For(instrument, MaxSeries, overflowed);
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(family.Name, family));
            }
        };
        _listener.SetMeasurementEventCallback<double>(static (instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<long>(static (instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<int>(static (instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.Start();
    }

    /// <summary>The families as they are now: what can only be observed is observed here.</summary>
    public IEnumerable<MetricFamily> Collect()
    {
        _listener.RecordObservableInstruments();
        return _process.Concat(_families.Values);
    }

    public void Dispose() => _listener.Dispose();

    private static bool IsWanted(Instrument instrument) => instrument.Meter.Name switch
    {
        "System.Runtime" or "Microsoft.AspNetCore.Server.Kestrel" => true,
        Http1Metrics.MeterName => true,
        "System.Net.Http" => ClientInstruments.Contains(instrument.Name),
        _ => false,
    };

    private static void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? family) =>
        ((InstrumentFamily)family!).Record(value, instrument.IsObservable, tags);
}
