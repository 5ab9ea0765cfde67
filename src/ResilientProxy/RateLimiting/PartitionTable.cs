using System.Runtime.InteropServices;

namespace ResilientProxy.RateLimiting;

/// <summary>The partitions of one route: as many as are active, up to a bound. What is forgotten first is what nobody would miss, then what has been quiet longest.</summary>
/// <remarks>In shards with a lock each, held for the few nanoseconds of one decision.</remarks>
internal sealed class PartitionTable<TLimit, TState>
    where TLimit : struct, ILimit<TState>
    where TState : struct
{
    private const int ShardCount = 64;

    private readonly Shard[] _shards;
    private readonly int _maxPerShard;
    private readonly TLimit _limit;

    /// <summary>Begins empty.</summary>
    /// <param name="limit">The algorithm.</param>
    /// <param name="maxPartitions">How many there may be; at least 64.</param>
    public PartitionTable(TLimit limit, int maxPartitions)
    {
        _limit = limit;
        _maxPerShard = Math.Max(1, maxPartitions / ShardCount);
        _shards = [.. Enumerable.Range(0, ShardCount).Select(_ => new Shard())];
    }

    /// <summary>How many partitions are kept at this moment.</summary>
    public int Count => _shards.Sum(static shard => shard.States.Count);

    /// <summary>Asks for one permit of a partition.</summary>
    /// <param name="key">The partition.</param>
    /// <param name="now">The time, in units of <see cref="LimitClock"/>.</param>
    public RateLimitVerdict Take(PartitionKey key, long now)
    {
        // The other half of the hash than the one that the shard's own table goes by.
        var shard = _shards[key.High % ShardCount];
        lock (shard.Lock)
        {
            ref var state = ref CollectionsMarshal.GetValueRefOrNullRef(shard.States, key);
            if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref state))
            {
                return _limit.Take(ref state, now);
            }

            if (shard.States.Count >= _maxPerShard)
            {
                MakeRoom_NeedsLock(shard.States, now);
            }

            return _limit.Take(ref CollectionsMarshal.GetValueRefOrAddDefault(shard.States, key, out _)!, now);
        }
    }

    // All that are idle; and where those are too few, of the others the ones that will be soonest. A sixteenth at once, so that a flood of new
    // names does not walk the shard for each of them.
    private void MakeRoom_NeedsLock(Dictionary<PartitionKey, TState> states, long now)
    {
        var until = now;
        var idleFrom = new long[states.Count];
        var count = 0;
        foreach (var state in states.Values)
        {
            idleFrom[count++] = _limit.IdleFrom(state);
        }

        Array.Sort(idleFrom);
        var quietest = idleFrom[(count - 1) / 16];
        var remove = quietest > now ? (count / 16) + 1 : int.MaxValue;
        until = Math.Max(until, quietest);
        foreach (var (key, state) in states)
        {
            if (remove > 0 && _limit.IdleFrom(state) <= until)
            {
                states.Remove(key);
                remove--;
            }
        }
    }

    private sealed class Shard
    {
        public readonly Lock Lock = new();

        public readonly Dictionary<PartitionKey, TState> States = [];
    }
}
