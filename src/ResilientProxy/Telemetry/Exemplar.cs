namespace ResilientProxy.Telemetry;

/// <summary>One measured value with the trace it came from: the way from a bucket of a histogram to a request that fell into it.</summary>
/// <param name="traceId">32 hexadecimal digits, never other text of a client's.</param>
/// <param name="value">What was measured.</param>
/// <param name="time">When it was measured.</param>
internal sealed class Exemplar(string traceId, TimeSpan value, DateTimeOffset time)
{
    private volatile bool _wasShown;

    /// <summary>32 hexadecimal digits.</summary>
    public string TraceId => traceId;

    /// <summary>What was measured.</summary>
    public TimeSpan Value => value;

    /// <summary>When it was measured.</summary>
    public DateTimeOffset Time => time;

    /// <summary>Whether a scrape has shown it: then the next value of its bucket takes its place.</summary>
    public bool WasShown => _wasShown;

    /// <summary>A scrape has shown it.</summary>
    public void Shown() => _wasShown = true;
}
