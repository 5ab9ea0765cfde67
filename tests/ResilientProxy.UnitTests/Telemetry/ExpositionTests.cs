using ResilientProxy.Telemetry;
using ResilientProxy.Telemetry.Prometheus;

namespace ResilientProxy.UnitTests.Telemetry;

[Collection("process-wide meters")]
public sealed class ExpositionTests : IDisposable
{
    private readonly MetricRegistry _registry = new();

    public ExpositionTests()
    {
        var wait = new LabelledFamily<Histogram>("wait_seconds", "Time \"spent\" \\ waiting.", MetricType.Histogram, ["route"], () => new Histogram([0.5, 1, 2.5]), 10, new Counter());
        var histogram = wait.With("a");
        histogram.Record(0.5);
        histogram.Record(0.75);
        histogram.Record(30);
        var bytes = new LabelledFamily<Counter>("sent_bytes_total", "Bytes sent.\nAll of them.", MetricType.Counter, ["route", "direction"], () => new Counter(), 10, new Counter());
        bytes.With("b", "out").Add(12_345_678_901);
        bytes.With("a", "in").Add(1);
        var temperature = new LabelledFamily<Gauge>("temperature", "Ours.", MetricType.Gauge, [], () => new Gauge(), 10, new Counter());
        temperature.With().Set(-1.5);
        var unused = new LabelledFamily<Gauge>("unused", "Nobody's.", MetricType.Gauge, ["x"], () => new Gauge(), 10, new Counter());
        Families = [wait, temperature, unused, bytes];
    }

    private IReadOnlyList<MetricFamily> Families { get; }

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void The_prometheus_text_format() => Assert.Equal(
        """
        # HELP sent_bytes_total Bytes sent.\nAll of them.
        # TYPE sent_bytes_total counter
        sent_bytes_total{route="a",direction="in"} 1
        sent_bytes_total{route="b",direction="out"} 12345678901
        # HELP temperature Ours.
        # TYPE temperature gauge
        temperature -1.5
        # HELP wait_seconds Time "spent" \\ waiting.
        # TYPE wait_seconds histogram
        wait_seconds_bucket{route="a",le="0.5"} 1
        wait_seconds_bucket{route="a",le="1"} 2
        wait_seconds_bucket{route="a",le="2.5"} 2
        wait_seconds_bucket{route="a",le="+Inf"} 3
        wait_seconds_sum{route="a"} 31.25
        wait_seconds_count{route="a"} 3

        """,
        Scrapes.Text(Families));

    [Fact]
    public void The_openmetrics_form() => Assert.Equal(
        """
        # HELP sent_bytes Bytes sent.\nAll of them.
        # TYPE sent_bytes counter
        # UNIT sent_bytes bytes
        sent_bytes_total{route="a",direction="in"} 1
        sent_bytes_total{route="b",direction="out"} 12345678901
        # HELP temperature Ours.
        # TYPE temperature gauge
        temperature -1.5
        # HELP wait_seconds Time \"spent\" \\ waiting.
        # TYPE wait_seconds histogram
        # UNIT wait_seconds seconds
        wait_seconds_bucket{route="a",le="0.5"} 1
        wait_seconds_bucket{route="a",le="1.0"} 2
        wait_seconds_bucket{route="a",le="2.5"} 2
        wait_seconds_bucket{route="a",le="+Inf"} 3
        wait_seconds_sum{route="a"} 31.25
        wait_seconds_count{route="a"} 3
        # EOF

        """,
        Scrapes.Text(Families, ExpositionFormat.OpenMetrics));

    [Fact]
    public void In_openmetrics_a_bucket_shows_the_trace_of_one_value_and_the_older_form_shows_none()
    {
        var time = new ManualTime(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero));
        var family = new LabelledFamily<Histogram>("wait_seconds", "Waiting.", MetricType.Histogram, ["route"], () => new Histogram([0.5, 1]), 10, new Counter());
        family.With("a").Record(TimeSpan.FromSeconds(0.75), "0af7651916cd43dd8448eb211c80319c", time);
        family.With("a").Record(TimeSpan.FromSeconds(0.25), traceId: null, time);
        family.With("a").Record(TimeSpan.FromSeconds(40), "4bf92f3577b34da6a3ce929d0e0e4736", time);

        Assert.DoesNotContain("trace_id", Scrapes.Text([family]), StringComparison.Ordinal);
        Assert.Equal(
            """
            # HELP wait_seconds Waiting.
            # TYPE wait_seconds histogram
            # UNIT wait_seconds seconds
            wait_seconds_bucket{route="a",le="0.5"} 1
            wait_seconds_bucket{route="a",le="1.0"} 2 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.75 1767323045.678
            wait_seconds_bucket{route="a",le="+Inf"} 3 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 40 1767323045.678
            wait_seconds_sum{route="a"} 41
            wait_seconds_count{route="a"} 3
            # EOF

            """,
            Scrapes.Text([family], ExpositionFormat.OpenMetrics));
    }

    [Fact]
    public void An_exemplar_stays_until_a_scrape_has_shown_it_and_then_the_next_value_takes_its_place()
    {
        var family = new LabelledFamily<Histogram>("wait_seconds", "Waiting.", MetricType.Histogram, [], () => new Histogram([1]), 10, new Counter());
        Record('1');
        Record('2');
        _ = Scrapes.Text([family]);
        Record('3');

        Assert.Contains(Trace('1'), Scrapes.Text([family], ExpositionFormat.OpenMetrics), StringComparison.Ordinal);
        Assert.Contains(Trace('1'), Scrapes.Text([family], ExpositionFormat.OpenMetrics), StringComparison.Ordinal);
        Record('4');
        Record('5');
        Assert.Contains(Trace('4'), Scrapes.Text([family], ExpositionFormat.OpenMetrics), StringComparison.Ordinal);

        void Record(char digit) => family.With().Record(TimeSpan.FromSeconds(0.5), Trace(digit), TimeProvider.System);

        static string Trace(char digit) => new(digit, 32);
    }

    [Fact]
    public void Many_routes_and_destinations_are_scraped_in_little_time()
    {
        using var metrics = new ProxyMetrics(TimeProvider.System);
        using var runtime = new RuntimeMetrics(metrics.Registry.Overflowed);
        for (var r = 0; r < 200; r++)
        {
            var route = metrics.ForRoute($"route-{r}", $"cluster-{r}");
            route.RequestStarted();
            route.RequestEnded(200, RequestOutcome.Success, TimeSpan.FromMilliseconds(r), new string('a', 32));
            route.RequestStarted();
            route.RequestEnded(503, RequestOutcome.UpstreamError, TimeSpan.FromMilliseconds(r));
            route.Retried("503");
            for (var d = 0; d < 5; d++)
            {
                metrics.ForDestination($"cluster-{r}", $"destination-{d}").AttemptEnded(DestinationMetrics.Success, TimeSpan.FromMilliseconds(r), new string('a', 32));
            }
        }

        var scrape = new MetricsScrape(metrics, runtime);
        var output = new System.Buffers.ArrayBufferWriter<byte>(4 << 20);

        // The best of many: the machine may be busy with something else.
        var best = Enumerable.Range(0, 40).Min(_ =>
        {
            output.ResetWrittenCount();
            var started = System.Diagnostics.Stopwatch.GetTimestamp();
            scrape.Write(output, ExpositionFormat.OpenMetrics);
            return System.Diagnostics.Stopwatch.GetElapsedTime(started);
        });

        Assert.True(output.WrittenCount > 1_000_000, $"{output.WrittenCount} bytes are too few.");
        Assert.True(best < TimeSpan.FromMilliseconds(50), $"A scrape took {best.TotalMilliseconds:0} ms.");
    }

    [Fact]
    public void Label_values_are_escaped()
    {
        var family = _registry.Counter("odd_total", "Odd.", "route");
        family.With("back\\slash \"quoted\"\nnew line é").Increment();

        Assert.Contains("""odd_total{route="back\\slash \"quoted\"\nnew line é"} 1""", Scrapes.Text([family]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(0.1, "0.1")]
    [InlineData(1e300, "1E+300")]
    public void Numbers_are_written_the_same_in_every_country(double value, string text)
    {
        var family = _registry.Gauge("number", "A number.");
        family.With().Set(value);

        Assert.Equal(text, Scrapes.Text([family]).Sample("resilient_proxy_number"));
    }

    [Fact]
    public void A_scrape_holds_every_name_and_every_series_once()
    {
        using var metrics = new ProxyMetrics(TimeProvider.System);
        using var runtime = new RuntimeMetrics(metrics.Registry.Overflowed);
        metrics.ForRoute("r", "c");
        metrics.ForDestination("c", "d");

        var lines = Scrapes.Text(metrics.Registry.Families.Concat(runtime.Collect())).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        var names = lines.Where(line => !line.StartsWith('#')).Select(line => line[..line.LastIndexOf(' ')]).ToList();
        Assert.Equal(names.Distinct(), names);
        var types = lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal)).ToList();
        Assert.Equal(types.Distinct(), types);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain", false)]
    [InlineData("application/openmetrics-text", true)]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true)]
    [InlineData("application/openmetrics-text; version=\"1.0.0\"", true)]
    [InlineData("application/openmetrics-text;version=0.0.1", false)]
    [InlineData("application/openmetrics-text;q=0.1, text/plain", false)]
    [InlineData("application/openmetrics-text;q=0", false)]
    [InlineData("complete nonsense;;;", false)]
    public void The_form_is_the_one_the_scraper_prefers(string? accept, bool openMetrics) => Assert.Equal(
        openMetrics ? ExpositionFormat.OpenMetrics : ExpositionFormat.Prometheus,
        ExpositionFormats.Negotiate(accept is null ? null : [accept]));

    [Fact]
    public void The_content_type_names_form_and_version()
    {
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", ExpositionFormat.Prometheus.ContentType());
        Assert.Equal("application/openmetrics-text; version=1.0.0; charset=utf-8", ExpositionFormat.OpenMetrics.ContentType());
    }
}
