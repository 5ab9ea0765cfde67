using ResilientProxy.Hosting;

namespace ResilientProxy.Cli.Demo;

/// <summary>Plays the timetable under the load, and prints the table at its end or when the demo is ended before.</summary>
/// <param name="app">The proxy.</param>
/// <param name="upstreams">The upstreams.</param>
/// <param name="length">How long it takes.</param>
/// <param name="time">The clock.</param>
/// <param name="output">Takes what happens.</param>
internal sealed class DemoTour(ProxyApp app, IReadOnlyList<DemoUpstream> upstreams, TimeSpan length, TimeProvider time, TextWriter output)
{
    /// <summary>Plays it.</summary>
    public async Task RunAsync()
    {
        using var stop = new CancellationTokenSource();
        using var load = new DemoLoad(app.TrafficUrls[0], time);
        var report = new DemoReport(app, upstreams);
        var views = report.Begin(TimeSpan.Zero, Timetable.Phases[0].Words);
        var callers = load.RunAsync(route => views[route], stop.Token);
        var at = TimeSpan.Zero;
        foreach (var phase in Timetable.Phases)
        {
            if (at > TimeSpan.Zero)
            {
                views = report.Begin(at, phase.Words);
            }

            foreach (var upstream in upstreams)
            {
                upstream.Mood = phase.Moods.GetValueOrDefault(upstream.Name);
            }

            await output.WriteLineAsync($"  {at:m\\:ss}  {phase.Words}");
            at += length * phase.Share;
            if (!await PassAsync(length * phase.Share))
            {
                break;
            }
        }

        await stop.CancelAsync();
        await callers;
        await output.WriteLineAsync();
        await output.WriteLineAsync(report.Write());
        if (!app.Drain.Requested.IsCompleted)
        {
            await output.WriteLineAsync($"The load has stopped. The dashboard at {app.AdminUrl}/ and the proxy go on until Ctrl+C.");
        }
    }

    // Waits; false where the demo is ended meanwhile.
    private async Task<bool> PassAsync(TimeSpan duration)
    {
        try
        {
            await app.Drain.Requested.WaitAsync(duration, time);
            return false;
        }
        catch (TimeoutException)
        {
            return true;
        }
    }
}
