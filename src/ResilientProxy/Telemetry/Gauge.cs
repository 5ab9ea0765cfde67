namespace ResilientProxy.Telemetry;

/// <summary>A gauge that says the last value set. For ups and downs from the request path take <see cref="UpDownCounter"/>.</summary>
internal sealed class Gauge : IMetric
{
    private long _bits;

    /// <summary>The last value set.</summary>
    public double Value => BitConverter.Int64BitsToDouble(Volatile.Read(ref _bits));

    public void Set(double value) => Volatile.Write(ref _bits, BitConverter.DoubleToInt64Bits(value));

    public void Add(double amount)
    {
        long seen;
        do
        {
            seen = Volatile.Read(ref _bits);
        }
        while (Interlocked.CompareExchange(ref _bits, BitConverter.DoubleToInt64Bits(BitConverter.Int64BitsToDouble(seen) + amount), seen) != seen);
    }

    public MetricValue Read() => new(Value);
}
