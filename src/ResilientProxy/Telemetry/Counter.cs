namespace ResilientProxy.Telemetry;

/// <summary>A number that only grows; exact whatever the number of threads, and without allocation.</summary>
internal sealed class Counter : IMetric
{
    private StripedSum _sum;

    /// <summary>The total so far.</summary>
    public long Value => _sum.Read();

    public void Increment() => _sum.Add(1);

    /// <summary>Adds <paramref name="amount"/>, which must not be negative.</summary>
    public void Add(long amount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        _sum.Add(amount);
    }

    public MetricValue Read() => new(Value);
}
