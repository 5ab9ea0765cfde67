using ResilientProxy.Telemetry;

namespace ResilientProxy.UnitTests.Telemetry;

public sealed class PrimitivesTests
{
    private const int ThreadCount = 8;
    private const int PerThread = 200_000;

    [Fact]
    public void A_counter_is_exact_under_eight_threads()
    {
        var counter = new Counter();

        OnEightThreads(() =>
        {
            counter.Increment();
            counter.Add(2);
        });

        Assert.Equal(3L * ThreadCount * PerThread, counter.Value);
    }

    [Fact]
    public void Ups_and_downs_cancel_out_whichever_threads_they_come_from()
    {
        var gauge = new UpDownCounter();

        OnEightThreads(() =>
        {
            gauge.Increment();
            gauge.Add(3);
            gauge.Decrement();
            gauge.Add(-3);
        });

        Assert.Equal(0, gauge.Value);
    }

    [Fact]
    public void A_gauge_says_what_was_set_and_adds_exactly()
    {
        var gauge = new Gauge();
        gauge.Set(0.5);

        OnEightThreads(() => gauge.Add(1));

        Assert.Equal((ThreadCount * PerThread) + 0.5, gauge.Value);
    }

    [Fact]
    public void A_counter_refuses_to_shrink() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Counter().Add(-1));

    [Fact]
    public void A_histogram_is_exact_under_eight_threads()
    {
        var histogram = new Histogram();

        OnEightThreads(() => histogram.Record(TimeSpan.FromMilliseconds(7)));

        var snapshot = histogram.Snapshot();
        Assert.Equal(ThreadCount * PerThread, snapshot.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(7) * (ThreadCount * PerThread), snapshot.Sum);
    }

    [Fact]
    public void A_value_equal_to_a_bound_lies_below_it_and_the_next_tick_above()
    {
        for (var bound = 0; bound < Histogram.DefaultBounds.Count; bound++)
        {
            var histogram = new Histogram();
            var edge = TimeSpan.FromSeconds(Histogram.DefaultBounds[bound]);

            histogram.Record(Histogram.DefaultBounds[bound]);
            histogram.Record(edge);
            histogram.Record(edge + TimeSpan.FromTicks(1));

            var snapshot = histogram.Snapshot();
            Assert.Equal(2, snapshot.Buckets[bound]);
            Assert.Equal(1, snapshot.Buckets[bound + 1]);
        }
    }

    [Fact]
    public void A_clock_that_went_back_counts_as_zero()
    {
        var histogram = new Histogram();

        histogram.Record(TimeSpan.FromSeconds(-1));

        Assert.Equal(1, histogram.Snapshot().Buckets[0]);
        Assert.Equal(TimeSpan.Zero, histogram.Snapshot().Sum);
    }

    [Fact]
    public void The_bounds_of_a_histogram_must_ascend() =>
        Assert.Throws<ArgumentException>(() => new Histogram([1, 1]));

    [Fact]
    public void A_snapshot_taken_while_threads_record_never_shrinks_and_counts_what_its_buckets_hold()
    {
        var histogram = new Histogram();
        var previous = histogram.Snapshot();
        var recording = Task.Run(() => OnEightThreads(() => histogram.Record(TimeSpan.FromMilliseconds(3))));

        do
        {
            var snapshot = histogram.Snapshot();

            Assert.Equal(snapshot.Buckets.Sum(), snapshot.Count);
            Assert.All(snapshot.Since(previous).Buckets, added => Assert.True(added >= 0));
            previous = snapshot;
        }
        while (!recording.IsCompleted);
    }

    [Fact]
    public void A_quantile_is_taken_as_evenly_spread_within_its_bucket()
    {
        var histogram = new Histogram([1, 2, 4]);
        foreach (var seconds in new[] { 0.5, 1.5, 1.6, 3.0 })
        {
            histogram.Record(seconds);
        }

        var snapshot = histogram.Snapshot();

        Assert.Equal(TimeSpan.FromSeconds(1.5), snapshot.Quantile(0.5));
        Assert.Equal(TimeSpan.FromSeconds(2), snapshot.Quantile(0.75));
        Assert.Equal(TimeSpan.FromSeconds(4), snapshot.Quantile(1));
    }

    [Fact]
    public void A_quantile_above_all_bounds_is_the_last_bound_and_of_nothing_is_nothing()
    {
        var histogram = new Histogram([1, 2]);
        Assert.Null(histogram.Snapshot().Quantile(0.99));

        histogram.Record(TimeSpan.FromMinutes(1));

        Assert.Equal(TimeSpan.FromSeconds(2), histogram.Snapshot().Quantile(0.99));
    }

    [Fact]
    public void The_difference_of_two_snapshots_is_what_was_recorded_between_them()
    {
        var histogram = new Histogram();
        histogram.Record(TimeSpan.FromSeconds(20));
        var earlier = histogram.Snapshot();

        histogram.Record(TimeSpan.FromMilliseconds(1));

        var since = histogram.Snapshot().Since(earlier);
        Assert.Equal(1, since.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(1), since.Sum);
        Assert.True(since.Quantile(0.99) <= TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        using var metrics = new ProxyMetrics(TimeProvider.System);
        var route = metrics.ForRoute("r", "c");
        var destination = metrics.ForDestination("c", "d");
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        RecordAll();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
        {
            RecordAll();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void RecordAll()
        {
            route.RequestStarted();
            destination.AttemptStarted();
            destination.AttemptEnded("connection_refused", TimeSpan.FromMilliseconds(2), Trace);
            route.FirstByte(TimeSpan.FromMilliseconds(3), Trace);
            route.BytesToClient(12);
            route.TimedOut(TimeoutKind.Attempt);
            route.RequestEnded(503, RequestOutcome.UpstreamError, TimeSpan.FromMilliseconds(5), Trace);
        }
    }

    private static void OnEightThreads(Action action)
    {
        using var start = new Barrier(ThreadCount);
        var threads = Enumerable.Range(0, ThreadCount).Select(_ => new Thread(() =>
        {
            start.SignalAndWait();
            for (var i = 0; i < PerThread; i++)
            {
                action();
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }
}
