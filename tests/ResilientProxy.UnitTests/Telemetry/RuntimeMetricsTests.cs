using System.Diagnostics.Metrics;
using ResilientProxy.Telemetry;
using ResilientProxy.Telemetry.Prometheus;

namespace ResilientProxy.UnitTests.Telemetry;

// Listening is process-wide: what these classes open, the others would see.
[Collection("process-wide meters")]
public sealed class RuntimeMetricsTests
{
    [Fact]
    public void The_runtime_and_the_process_are_in_the_scrape()
    {
        using var runtime = new RuntimeMetrics(new Counter());
        GC.Collect();

        var scrape = Scrapes.Text(runtime.Collect());

        Assert.True(double.Parse(scrape.Sample("dotnet_gc_collections_total{gc_heap_generation=\"gen2\"}")!) >= 1);
        Assert.True(double.Parse(scrape.Sample("dotnet_thread_pool_threads")!) >= 0);
        Assert.Contains("# TYPE dotnet_thread_pool_threads gauge", scrape, StringComparison.Ordinal);
        Assert.Contains("# TYPE dotnet_thread_pool_queue_length gauge", scrape, StringComparison.Ordinal);
        Assert.True(double.Parse(scrape.Sample("process_cpu_seconds_total")!) > 0);
        Assert.True(double.Parse(scrape.Sample("process_resident_memory_bytes")!) > 1_000_000);
        Assert.True(double.Parse(scrape.Sample("process_start_time_seconds")!) > 1_700_000_000);
        Assert.Contains("# TYPE dotnet_gc_pause_time_seconds_total counter", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public void On_linux_descriptors_and_threads_are_counted()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var runtime = new RuntimeMetrics(new Counter());

        var scrape = Scrapes.Text(runtime.Collect());

        Assert.True(double.Parse(scrape.Sample("process_open_fds")!) > 3);
        Assert.True(double.Parse(scrape.Sample("process_max_fds")!) > 3);
        Assert.True(double.Parse(scrape.Sample("process_threads")!) > 1);
    }

    [Fact]
    public void Of_the_http_client_only_what_does_not_slow_each_request_is_listened_to()
    {
        using var runtime = new RuntimeMetrics(new Counter());
        using var meter = new Meter("System.Net.Http");
        var open = meter.CreateUpDownCounter<long>("http.client.open_connections", "{connection}", "Connections.");
        var perRequest = meter.CreateHistogram<double>("http.client.request.duration", "s", "Requests.");

        // A port nobody else in this process uses: the listener sees all of it.
        var tags = new KeyValuePair<string, object?>[] { new("server.port", 60001), new("http.connection.state", "idle") };
        open.Add(2, tags);
        open.Add(-1, tags);

        Assert.False(perRequest.Enabled);
        Assert.Equal("1", Scrapes.Text(runtime.Collect()).Sample("http_client_open_connections{server_port=\"60001\",http_connection_state=\"idle\"}"));
    }

    [Fact]
    public void Every_server_of_the_process_feeds_the_same_family()
    {
        using var runtime = new RuntimeMetrics(new Counter());
        using var traffic = new Meter("Microsoft.AspNetCore.Server.Kestrel");
        using var admin = new Meter("Microsoft.AspNetCore.Server.Kestrel");
        traffic.CreateHistogram<double>("kestrel.connection.duration", "s", "Connections.").Record(0.2, new KeyValuePair<string, object?>("server.port", 60002));
        admin.CreateHistogram<double>("kestrel.connection.duration", "s", "Connections.").Record(0.3, new KeyValuePair<string, object?>("server.port", 60003));

        var scrape = Scrapes.Text(runtime.Collect());

        Assert.Equal("0.2", scrape.Sample("kestrel_connection_duration_seconds_sum{server_port=\"60002\"}"));
        Assert.Equal("0.3", scrape.Sample("kestrel_connection_duration_seconds_sum{server_port=\"60003\"}"));
    }

    [Fact]
    public void Tags_without_end_share_one_series()
    {
        var overflowed = new Counter();
        using var meter = new Meter("Test");
        var family = InstrumentFamily.For(meter.CreateCounter<long>("things"), maxSeries: 2, overflowed);

        for (var port = 0; port < 5; port++)
        {
            family.Record(1, observed: false, [new("server.port", port)]);
        }

        Assert.Equal(["(overflow)", "0", "1"], family.Collect().Select(series => series.Labels["server_port"]!));
        Assert.Equal(3, overflowed.Value);
        Assert.Equal("3", Scrapes.Text([family]).Sample("things_total{server_port=\"(overflow)\"}"));
    }

    [Fact]
    public void After_disposal_nothing_is_listened_to()
    {
        using var meter = new Meter("Microsoft.AspNetCore.Server.Kestrel");
        var counter = meter.CreateUpDownCounter<long>("kestrel.disposal_test");
        var runtime = new RuntimeMetrics(new Counter());
        Assert.True(counter.Enabled);

        runtime.Dispose();

        Assert.False(counter.Enabled);
    }

    [Theory]
    [InlineData("dotnet.gc.collections", "{collection}", MetricType.Counter, "dotnet_gc_collections_total")]
    [InlineData("dotnet.gc.pause.time", "s", MetricType.Counter, "dotnet_gc_pause_time_seconds_total")]
    [InlineData("dotnet.process.memory.working_set", "By", MetricType.Gauge, "dotnet_process_memory_working_set_bytes")]
    [InlineData("dotnet.thread_pool.work_item.count", "{work_item}", MetricType.Counter, "dotnet_thread_pool_work_items_total")]
    [InlineData("dotnet.assembly.count", "{assembly}", MetricType.Gauge, "dotnet_assemblies")]
    [InlineData("kestrel.tls_handshake.duration", "s", MetricType.Histogram, "kestrel_tls_handshake_duration_seconds")]
    [InlineData("1odd name", null, MetricType.Gauge, "_odd_name")]
    internal void Names_are_those_prometheus_expects(string name, string? unit, MetricType type, string exported) =>
        Assert.Equal(exported, InstrumentName.Exported(name, unit, type));

    [Fact]
    public async Task A_scrape_as_a_whole_ends_as_openmetrics_wants()
    {
        using var metrics = new ProxyMetrics(TimeProvider.System);
        using var runtime = new RuntimeMetrics(metrics.Registry.Overflowed);
        var pipe = new System.IO.Pipelines.Pipe();

        new MetricsScrape(metrics, runtime).Write(pipe.Writer, ExpositionFormat.OpenMetrics);
        await pipe.Writer.CompleteAsync();
        using var reader = new StreamReader(pipe.Reader.AsStream());
        var scrape = await reader.ReadToEndAsync();

        Assert.Contains("resilient_proxy_build_info{version=\"", scrape, StringComparison.Ordinal);
        Assert.EndsWith("\n# EOF\n", scrape, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "text/plain; version=0.0.4; charset=utf-8", false)]
    [InlineData("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0; charset=utf-8", true)]
    public void A_scrape_is_written_in_the_form_asked_for_and_says_which_it_is(string? accept, string contentType, bool openMetrics)
    {
        using var metrics = new ProxyMetrics(TimeProvider.System);
        using var runtime = new RuntimeMetrics(metrics.Registry.Overflowed);
        var output = new System.Buffers.ArrayBufferWriter<byte>();

        var written = new MetricsScrape(metrics, runtime).Write(accept, output);

        Assert.Equal(contentType, written);
        Assert.Equal(openMetrics, System.Text.Encoding.UTF8.GetString(output.WrittenSpan).EndsWith("\n# EOF\n", StringComparison.Ordinal));
    }
}
