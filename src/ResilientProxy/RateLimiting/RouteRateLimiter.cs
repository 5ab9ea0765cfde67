using System.Net;

namespace ResilientProxy.RateLimiting;

/// <summary>A route's limiter: says of each request whether it may go on. Its state outlives a reload that leaves its options alone.</summary>
internal abstract class RouteRateLimiter
{
    /// <summary>Partitions a route keeps; beyond it the quietest are forgotten.</summary>
    public const int MaxPartitions = 256 * 1024;

    private readonly LimitClock _clock;

    private RouteRateLimiter(RateLimiterOptions options, LimitClock clock)
    {
        Options = options;
        _clock = clock;
    }

    /// <summary>The route's options.</summary>
    public RateLimiterOptions Options { get; }

    /// <summary>How many partitions it knows at this moment.</summary>
    public abstract int Partitions { get; }

    /// <summary>Makes a limiter; every partition begins full.</summary>
    /// <param name="options">The route's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="maxPartitions">How many partitions it keeps.</param>
    public static RouteRateLimiter Create(RateLimiterOptions options, TimeProvider time, int maxPartitions = MaxPartitions)
    {
        var clock = new LimitClock(time);
        var isWhole = options.PartitionBy == RateLimiterPartition.Route;
        switch (options.Algorithm)
        {
            case RateLimiterAlgorithm.FixedWindow:
                return Windows<FixedWindow, FixedWindowState>(new(options.PermitLimit, options.Window));
            case RateLimiterAlgorithm.SlidingWindow:
                return Windows<SlidingWindow, SlidingWindowState>(new(options.PermitLimit, options.Window));
            default:
                var bucket = new TokenBucket(options.PermitLimit, options.Window, options.Burst ?? options.PermitLimit);
                return isWhole ? new OneBucket(options, clock, bucket) : new ByPartition<TokenBucket, long>(options, clock, bucket, maxPartitions);
        }

        RouteRateLimiter Windows<TLimit, TState>(TLimit limit)
            where TLimit : struct, ILimit<TState>
            where TState : struct => isWhole ? new Whole<TLimit, TState>(options, clock, limit) : new ByPartition<TLimit, TState>(options, clock, limit, maxPartitions);
    }

    /// <summary>Asks for one permit.</summary>
    /// <param name="client">The client's address; null where it is not known.</param>
    /// <param name="headers">The request's headers.</param>
    public RateLimitVerdict Take(IPAddress? client, IHeaderDictionary headers) => Take(client, headers, _clock.Now);

    /// <summary>Asks for one permit at a given time.</summary>
    protected abstract RateLimitVerdict Take(IPAddress? client, IHeaderDictionary headers, long now);

    // The whole route as one bucket: every request comes here, so nobody waits for a lock.
    private sealed class OneBucket(RateLimiterOptions options, LimitClock clock, TokenBucket bucket) : RouteRateLimiter(options, clock)
    {
        private long _state;

        public override int Partitions => 1;

        protected override RateLimitVerdict Take(IPAddress? client, IHeaderDictionary headers, long now)
        {
            while (true)
            {
                var seen = Volatile.Read(ref _state);
                var (next, verdict) = bucket.Next(seen, now);
                if (next == seen || Interlocked.CompareExchange(ref _state, next, seen) == seen)
                {
                    return verdict;
                }
            }
        }
    }

    // The whole route as one window.
    private sealed class Whole<TLimit, TState>(RateLimiterOptions options, LimitClock clock, TLimit limit) : RouteRateLimiter(options, clock)
        where TLimit : struct, ILimit<TState>
        where TState : struct
    {
        private readonly Lock _lock = new();
        private TState _state;

        public override int Partitions => 1;

        protected override RateLimitVerdict Take(IPAddress? client, IHeaderDictionary headers, long now)
        {
            lock (_lock)
            {
                return limit.Take(ref _state, now);
            }
        }
    }

    private sealed class ByPartition<TLimit, TState>(RateLimiterOptions options, LimitClock clock, TLimit limit, int maxPartitions) : RouteRateLimiter(options, clock)
        where TLimit : struct, ILimit<TState>
        where TState : struct
    {
        private readonly PartitionTable<TLimit, TState> _table = new(limit, maxPartitions);
        private readonly string? _header = options.PartitionBy.Header;

        public override int Partitions => _table.Count;

        protected override RateLimitVerdict Take(IPAddress? client, IHeaderDictionary headers, long now) => _table.Take(KeyOf(client, headers), now);

        private PartitionKey KeyOf(IPAddress? client, IHeaderDictionary headers)
        {
            if (_header is null)
            {
                return PartitionKey.Of(client);
            }

            var value = headers[_header].ToString();
            return value.Length > 0 ? PartitionKey.Of(value) : PartitionKey.None;
        }
    }
}
