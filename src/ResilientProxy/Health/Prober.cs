namespace ResilientProxy.Health;

/// <summary>Checks one destination again and again until it is stopped.</summary>
internal sealed class Prober : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly DestinationHealth _health;
    private readonly SemaphoreSlim _slots;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly Action<Prober, ProbeResult> _report;

    /// <summary>Starts.</summary>
    /// <param name="settings">The check.</param>
    /// <param name="health">Whose; read for the interval.</param>
    /// <param name="firstDelay">How long before the first check.</param>
    /// <param name="slots">Bounds the checks under way at the same time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">For the jitter; used by any thread.</param>
    /// <param name="report">Takes each result.</param>
    public Prober(
        ProbeSettings settings, DestinationHealth health, TimeSpan firstDelay, SemaphoreSlim slots, TimeProvider time, Random random, Action<Prober, ProbeResult> report)
    {
        Settings = settings;
        _health = health;
        _slots = slots;
        _time = time;
        _random = random;
        _report = report;
        Completion = Task.Run(() => LoopAsync(firstDelay));
    }

    /// <summary>The check.</summary>
    public ProbeSettings Settings { get; }

    /// <summary>Whether it was told to stop: what it still finds out does not count.</summary>
    public bool IsStopped => _stop.IsCancellationRequested;

    /// <summary>Completes when the last check has ended.</summary>
    public Task Completion { get; }

    /// <summary>Stops; completes when the last check has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Completion;
        _stop.Dispose();
    }

    private async Task LoopAsync(TimeSpan firstDelay)
    {
        try
        {
            await Task.Delay(firstDelay, _time, _stop.Token);
            while (true)
            {
                var started = _time.GetTimestamp();
                await _slots.WaitAsync(_stop.Token);
                try
                {
                    _report(this, await HealthProbe.RunAsync(Settings, _time, _stop.Token));
                }
                finally
                {
                    _slots.Release();
                }

                // Spread, so that the checks of many proxies and destinations do not fall into step.
                var interval = _health.State == HealthState.Healthy ? Settings.Interval : Settings.UnhealthyInterval;
                var pause = (interval * (0.9 + (0.2 * _random.NextDouble()))) - _time.GetElapsedTime(started);
                await Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped, as asked.
        }
    }
}
