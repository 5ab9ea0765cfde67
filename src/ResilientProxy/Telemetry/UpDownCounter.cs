namespace ResilientProxy.Telemetry;

/// <summary>A gauge made of ups and downs that come from many cores, as requests in flight do.</summary>
internal sealed class UpDownCounter : IMetric
{
    private StripedSum _sum;

    /// <summary>Ups less downs.</summary>
    public long Value => _sum.Read();

    public void Increment() => _sum.Add(1);

    public void Decrement() => _sum.Add(-1);

    public void Add(long amount) => _sum.Add(amount);

    public MetricValue Read() => new(Value);
}
