namespace ResilientProxy.Telemetry;

/// <summary>
/// Whether what a handle counts is still in the config. A request in flight may hold its handle longer, and must not bring a series
/// back that has left the scrape.
/// </summary>
internal sealed class HandleLifetime
{
    private volatile bool _ended;

    public bool HasEnded => _ended;

    public void End() => _ended = true;
}
