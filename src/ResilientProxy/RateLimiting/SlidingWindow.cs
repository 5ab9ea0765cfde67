using System.Runtime.CompilerServices;

namespace ResilientProxy.RateLimiting;

/// <summary>What a sliding window has counted.</summary>
internal struct SlidingWindowState
{
    /// <summary>The number of the last segment in which a permit was asked for.</summary>
    public long Segment;

    /// <summary>Permits taken in all the segments kept.</summary>
    public uint Total;

    /// <summary>Permits taken in each: segment n stands at n modulo their number.</summary>
    public SegmentCounts Counts;
}

/// <summary>The counts of a sliding window's segments.</summary>
[InlineArray(Length)]
internal struct SegmentCounts
{
    /// <summary>Eight make a window; one more, because the oldest and the newest are both in it in part.</summary>
    public const int Length = 9;

    private uint _first;
}

/// <summary>So many permits in any window whatever its start: a window in eight segments, each of which is given back as a whole once its last moment is a window ago.</summary>
internal readonly struct SlidingWindow(int permits, TimeSpan window) : ILimit<SlidingWindowState>
{
    private readonly long _segment = LimitClock.Of(window) / (SegmentCounts.Length - 1);

    /// <inheritdoc/>
    public RateLimitVerdict Take(ref SlidingWindowState state, long now)
    {
        // Threads may come with times in another order than they read them.
        var segment = Math.Max(state.Segment, now / _segment);
        GiveBack(ref state, segment);

        var isAdmitted = state.Total < permits;
        if (isAdmitted)
        {
            state.Total++;
            state.Counts[(int)(segment % SegmentCounts.Length)]++;
        }

        var oldest = segment - SegmentCounts.Length + 1;
        while (oldest < segment && (oldest < 0 || state.Counts[(int)(oldest % SegmentCounts.Length)] == 0))
        {
            oldest++;
        }

        return new(isAdmitted, permits - state.Total, ((oldest + SegmentCounts.Length) * _segment) - now);
    }

    /// <inheritdoc/>
    public long IdleFrom(in SlidingWindowState state) => (state.Segment + SegmentCounts.Length) * _segment;

    private static void GiveBack(ref SlidingWindowState state, long segment)
    {
        var passed = segment - state.Segment;
        state.Segment = segment;
        if (passed >= SegmentCounts.Length)
        {
            state.Total = 0;
            state.Counts = default;
            return;
        }

        for (; passed > 0; passed--)
        {
            // The place of a segment that begins holds the count of the one that ended a window ago.
            ref var count = ref state.Counts[(int)((segment - passed + 1) % SegmentCounts.Length)];
            state.Total -= count;
            count = 0;
        }
    }
}
