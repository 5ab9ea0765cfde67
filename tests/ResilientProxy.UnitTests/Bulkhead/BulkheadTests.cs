using ResilientProxy.Bulkhead;
using ResilientProxy.Errors;
using ResilientProxy.Timeouts;
using Bulk = ResilientProxy.Bulkhead.Bulkhead;

namespace ResilientProxy.UnitTests.Bulkhead;

public sealed class BulkheadTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    private readonly TestSupport.ManualTime _time = new();
    private readonly TimerSweep _sweep;

    public BulkheadTests() => _sweep = new TimerSweep(_time);

    public void Dispose() => _sweep.Dispose();

    [Fact]
    public async Task A_full_bulkhead_refuses_at_once_and_a_finished_request_frees_its_place()
    {
        var bulkhead = Create(limit: 2, queue: 0);
        Assert.True(bulkhead.TryEnter());
        Assert.True(bulkhead.TryEnter());

        Assert.Equal(BulkheadEntry.Full, await bulkhead.EnterAsync(Long, CancellationToken.None));
        Assert.Equal(1, bulkhead.RejectedFull);
        bulkhead.Leave();
        Assert.Equal(BulkheadEntry.Entered, await bulkhead.EnterAsync(Long, CancellationToken.None));
        Assert.Equal(2, bulkhead.InFlight);
    }

    [Fact]
    public async Task Who_waits_enters_in_the_order_of_coming_and_nobody_overtakes()
    {
        var bulkhead = Create(limit: 1, queue: 10);
        bulkhead.TryEnter();
        var waiting = Enumerable.Range(0, 3).Select(_ => bulkhead.EnterAsync(Long, CancellationToken.None).AsTask()).ToArray();
        Assert.Equal(3, bulkhead.Queued);

        for (var i = 0; i < 3; i++)
        {
            Assert.False(bulkhead.TryEnter());
            bulkhead.Leave();
            Assert.Equal(BulkheadEntry.Entered, await waiting[i]);
            Assert.All(waiting[(i + 1)..], waiter => Assert.False(waiter.IsCompleted));
        }

        Assert.Equal(0, bulkhead.Queued);
    }

    [Fact]
    public async Task The_queue_is_bounded_and_the_rest_are_refused_at_once()
    {
        var bulkhead = Create(limit: 1, queue: 2);
        bulkhead.TryEnter();
        _ = bulkhead.EnterAsync(Long, CancellationToken.None).AsTask();
        _ = bulkhead.EnterAsync(Long, CancellationToken.None).AsTask();

        Assert.Equal(BulkheadEntry.Full, await bulkhead.EnterAsync(Long, CancellationToken.None));
    }

    [Theory]
    [InlineData(60_000, 1000)]
    [InlineData(300, 300)]
    public async Task A_wait_ends_at_the_queue_timeout_or_at_the_deadline_whichever_is_nearer(int longestMilliseconds, int expectedMilliseconds)
    {
        var bulkhead = Create(limit: 1, queue: 2);
        bulkhead.TryEnter();
        var waiting = bulkhead.EnterAsync(TimeSpan.FromMilliseconds(longestMilliseconds), CancellationToken.None).AsTask();

        _time.Advance(TimeSpan.FromMilliseconds(expectedMilliseconds - 20));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(40));

        Assert.Equal(BulkheadEntry.QueueTimeout, await waiting);
        Assert.Equal(0, bulkhead.Queued);
        Assert.Equal(1, bulkhead.RejectedByQueueTimeout);
        bulkhead.Leave();
        Assert.True(bulkhead.TryEnter());
    }

    [Fact]
    public async Task A_request_without_time_does_not_wait()
    {
        var bulkhead = Create(limit: 1, queue: 2);
        bulkhead.TryEnter();

        Assert.Equal(BulkheadEntry.QueueTimeout, await bulkhead.EnterAsync(TimeSpan.Zero, CancellationToken.None));
    }

    [Fact]
    public async Task A_client_that_leaves_the_queue_frees_its_place_there_at_once()
    {
        var bulkhead = Create(limit: 1, queue: 1);
        bulkhead.TryEnter();
        using var leave = new CancellationTokenSource();
        var waiting = bulkhead.EnterAsync(Long, leave.Token).AsTask();

        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(0, bulkhead.Queued);
        var next = bulkhead.EnterAsync(Long, CancellationToken.None).AsTask();
        bulkhead.Leave();
        Assert.Equal(BulkheadEntry.Entered, await next);
    }

    [Fact]
    public async Task A_higher_limit_lets_those_that_wait_in_and_a_lower_one_throws_nobody_out()
    {
        var bulkhead = Create(limit: 1, queue: 5);
        bulkhead.TryEnter();
        var waiting = bulkhead.EnterAsync(Long, CancellationToken.None).AsTask();

        bulkhead.Update(new(new(2), 1, 10, 5, Long));
        Assert.Equal(BulkheadEntry.Entered, await waiting);
        bulkhead.Update(new(new(1), 1, 10, 0, Long));

        Assert.Equal(2, bulkhead.InFlight);
        bulkhead.Leave();
        Assert.False(bulkhead.TryEnter());
        bulkhead.Leave();
        Assert.True(bulkhead.TryEnter());
    }

    [Fact]
    public async Task Whatever_the_races_no_place_is_lost_none_is_given_twice_and_nobody_is_forgotten()
    {
        const int Limit = 8;
        using var sweep = new TimerSweep(TimeProvider.System);
        var bulkhead = new Bulk(new(new(Limit), 1, 10, 1000, TimeSpan.FromMilliseconds(20)), sweep);
        var (inside, most, entered) = (0, 0, 0);

        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 500; i++)
            {
                using var leave = new CancellationTokenSource();
                var entering = bulkhead.EnterAsync(TimeSpan.FromMilliseconds(random.Next(0, 30)), leave.Token).AsTask();
                if (random.Next(3) == 0)
                {
                    await Task.Yield();
                    await leave.CancelAsync();
                }

                try
                {
                    if (await entering != BulkheadEntry.Entered)
                    {
                        continue;
                    }
                }
                catch (OperationCanceledException)
                {
                    continue;
                }

                var now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);
                Interlocked.Increment(ref entered);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                bulkhead.Leave(TimeSpan.FromMilliseconds(1), AttemptVerdict.Success);
            }
        })));

        Assert.InRange(most, 1, Limit);
        Assert.True(entered > 1000, $"only {entered} of 16000 got in");
        Assert.Equal(0, bulkhead.InFlight);
        Assert.Equal(0, bulkhead.Queued);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private Bulk Create(int limit, int queue) => new(new(new(limit), 1, 10, queue, TimeSpan.FromSeconds(1)), _sweep);
}
