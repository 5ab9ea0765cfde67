using System.Buffers;
using System.Net;
using BenchmarkDotNet.Attributes;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Benchmarks.Parts;

/// <summary>What is counted and written of a request.</summary>
public class TelemetryParts : IDisposable
{
    private static readonly TimeSpan Took = TimeSpan.FromMilliseconds(3.2);

    private readonly ProxyMetrics _metrics = new(TimeProvider.System);
    private readonly RouteMetrics _route;
    private readonly DestinationMetrics _destination;
    private readonly Hedging.LatencyEstimate _estimate = new(TimeProvider.System);
    private readonly AccessLogJsonFormatter _json = new();
    private readonly AccessLogTextFormatter _text = new();
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly AccessLogEntry _entry = new()
    {
        Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Route = "orders",
        Cluster = "orders",
        Method = "GET",
        Path = "/orders/4711/items",
        Status = 200,
        BytesOut = 1234,
        Duration = Took,
        Client = IPAddress.Parse("192.0.2.7"),
        Protocol = "HTTP/1.1",
        TraceId = "4bf92f3577b34da6a3ce929d0e0e4736",
        Outcome = RequestOutcome.Success,
        Attempts = [new AttemptRecord("a", DestinationMetrics.Success, Took)],
    };

    /// <summary>Makes the handles, and an estimate that knows something.</summary>
    public TelemetryParts()
    {
        _route = _metrics.ForRoute("orders", "orders");
        _destination = _metrics.ForDestination("orders", "a");
        for (var i = 0; i < 1000; i++)
        {
            _estimate.Record(TimeSpan.FromMilliseconds(i % 50));
        }
    }

    /// <summary>Ends the meter.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _metrics.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Everything that is counted of a request of one attempt: what metrics cost each request.</summary>
    [Benchmark(Description = "metrics of one whole request")]
    public void WholeRequest()
    {
        _route.RequestStarted();
        _destination.AttemptStarted();
        _route.BytesFromClient(0);
        _destination.AttemptEnded(DestinationMetrics.Success, Took, _entry.TraceId);
        _route.FirstByte(Took, _entry.TraceId);
        _route.BytesFromUpstream(1234);
        _route.BytesToClient(1234);
        _route.RequestEnded(200, RequestOutcome.Success, Took, _entry.TraceId);
    }

    /// <summary>An answer's time is learned.</summary>
    [Benchmark(Description = "percentile estimate: record")]
    public void EstimateRecord() => _estimate.Record(Took);

    /// <summary>The percentile that a hedge waits for.</summary>
    [Benchmark(Description = "percentile estimate: p95")]
    public TimeSpan? EstimateRead() => _estimate.Percentile(95);

    /// <summary>A line of the access log as JSON.</summary>
    [Benchmark(Description = "access log: a line of JSON")]
    public int JsonLine()
    {
        _line.ResetWrittenCount();
        _json.Write(_line, _entry);
        return _line.WrittenCount;
    }

    /// <summary>A line of the access log as text.</summary>
    [Benchmark(Description = "access log: a line of text")]
    public int TextLine()
    {
        _line.ResetWrittenCount();
        _text.Write(_line, _entry);
        return _line.WrittenCount;
    }
}
