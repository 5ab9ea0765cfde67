namespace ResilientProxy.Forwarding;

/// <summary>Whether the process is going away: answers then ask the client to open its next connection elsewhere.</summary>
internal sealed class DrainState
{
    private volatile bool _draining;

    /// <summary>Whether a drain has begun.</summary>
    public bool IsDraining => _draining;

    /// <summary>Begins the drain; there is no way back.</summary>
    public void Begin() => _draining = true;
}
