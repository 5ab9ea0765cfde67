using ResilientProxy.Forwarding;

namespace ResilientProxy.Hosting;

/// <summary>Where the process is between its start and its end, and who asked for the end.</summary>
internal sealed class Drain
{
    private readonly TaskCompletionSource _requested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _started;

    /// <summary>What the request path looks at.</summary>
    public DrainState State { get; } = new();

    /// <summary>Whether new work is welcome: listening, and no drain begun.</summary>
    public bool IsReady => _started && !State.IsDraining;

    /// <summary>Completes when a drain was asked for.</summary>
    public Task Requested => _requested.Task;

    /// <summary>Both listeners are open.</summary>
    public void Started() => _started = true;

    /// <summary>Readiness fails from this moment on.</summary>
    public void Begin()
    {
        State.Begin();
        _requested.TrySetResult();
    }
}
