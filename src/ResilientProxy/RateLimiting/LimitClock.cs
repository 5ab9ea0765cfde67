namespace ResilientProxy.RateLimiting;

/// <summary>Time as the limiters count it: 64ths of a nanosecond since the limiter began, so that even a million permits a second have whole distances.</summary>
/// <remarks>A <see cref="long"/> of them lasts four and a half years.</remarks>
internal sealed class LimitClock
{
    /// <summary>Units of a second.</summary>
    public const long Second = 64_000_000_000;

    private const long UnitsPerTick = Second / TimeSpan.TicksPerSecond;

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly long _factor;

    /// <summary>Starts at zero.</summary>
    /// <param name="time">The clock.</param>
    public LimitClock(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
        _factor = Second % time.TimestampFrequency == 0 ? Second / time.TimestampFrequency : 0;
    }

    /// <summary>Units since the start.</summary>
    public long Now
    {
        get
        {
            var elapsed = _time.GetTimestamp() - _start;
            return _factor != 0 ? elapsed * _factor : (long)((Int128)elapsed * Second / _time.TimestampFrequency);
        }
    }

    /// <summary>A span in units.</summary>
    /// <param name="span">At most 24 h.</param>
    public static long Of(TimeSpan span) => span.Ticks * UnitsPerTick;

    /// <summary>Whole seconds, rounded up, at least 1: what a client is told to wait.</summary>
    /// <param name="units">How long.</param>
    public static int SecondsUp(long units) => (int)Math.Clamp((units + Second - 1) / Second, 1, int.MaxValue);
}
