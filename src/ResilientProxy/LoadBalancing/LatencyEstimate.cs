namespace ResilientProxy.LoadBalancing;

/// <summary>The latency to expect of a destination: it follows a rise at once and a fall over two seconds, and is forgotten as slowly.</summary>
/// <remarks>
/// "Peak EWMA", as Finagle has it. One word holds the value and its time, so that an update is one compare-and-swap.
/// What is not asked any more decays as well: that is how a slow destination gets its next chance. Two seconds in place of Finagle's ten let one
/// that was twenty times slower be asked again after six, for the price of one slow answer each time.
/// </remarks>
/// <param name="time">The clock whose timestamps the methods take.</param>
internal sealed class LatencyEstimate(TimeProvider time)
{
    private const double TauSeconds = 2;
    private const double StepsPerSecond = 10_000; // of the time kept beside the value
    private const double LeastSeconds = 1e-6; // above 0, which means unknown
    private const double MostSeconds = 60;
    private const double LeastFailureSeconds = 0.01;

    private readonly double _stepsPerTick = StepsPerSecond / time.TimestampFrequency;
    private long _packed; // high: the time in steps, modulo 2^32; low: the seconds as a float; 0: nothing known

    /// <summary>The estimate in seconds; 0 where nothing is known.</summary>
    /// <param name="now">The clock's timestamp.</param>
    public double Read(long now)
    {
        var packed = Volatile.Read(ref _packed);
        return packed == 0 ? 0 : Math.Max(LeastSeconds, Value(packed) * Decay(packed, Steps(now)));
    }

    /// <summary>Learns an answer's latency.</summary>
    /// <param name="seconds">The latency.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void Record(double seconds, long now)
    {
        var steps = Steps(now);
        long seen;
        long updated;
        do
        {
            seen = Volatile.Read(ref _packed);
            var known = Value(seen);
            var value = seconds;
            if (seen != 0 && seconds < known)
            {
                var weight = Decay(seen, steps);
                value = (known * weight) + (seconds * (1 - weight));
            }

            updated = Pack(value, steps);
        }
        while (Interlocked.CompareExchange(ref _packed, updated, seen) != seen);
    }

    /// <summary>Learns a failure: it counts as an answer twice as slow as what was expected, at least.</summary>
    /// <param name="seconds">How long it took.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void RecordFailure(double seconds, long now) =>
        Record(Math.Max(seconds, Math.Max(LeastFailureSeconds, 2 * Value(Volatile.Read(ref _packed)))), now);

    /// <summary>Forgets what was: it says nothing about a destination that has recovered.</summary>
    public void Forget() => Volatile.Write(ref _packed, 0);

    private static double Value(long packed) => BitConverter.Int32BitsToSingle((int)packed);

    private static long Pack(double seconds, uint steps) =>
        ((long)steps << 32) | (uint)BitConverter.SingleToInt32Bits((float)Math.Clamp(seconds, LeastSeconds, MostSeconds));

    // Two threads may come in the other order than their times: then nothing has passed.
    private static double Decay(long packed, uint now) =>
        Math.Exp(-Math.Max(0, unchecked((int)(now - (uint)(packed >> 32)))) / (TauSeconds * StepsPerSecond));

    private uint Steps(long timestamp) => unchecked((uint)(ulong)(timestamp * _stepsPerTick));
}
