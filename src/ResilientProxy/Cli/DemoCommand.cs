using ResilientProxy.Cli.Demo;
using ResilientProxy.Hosting;

namespace ResilientProxy.Cli;

/// <summary><c>demo</c>: upstreams in this process that misbehave on a timetable, the proxy in front of them, a light load, and a table of what happened.</summary>
internal static class DemoCommand
{
    /// <summary>Runs until Ctrl+C; the timetable and the load end before.</summary>
    /// <param name="length">How long the timetable takes.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(TimeSpan length)
    {
        var time = TimeProvider.System;
        var upstreams = new List<DemoUpstream>();
        IReadOnlyList<DemoUpstream> samples = [];
        var file = Path.Combine(Path.GetTempPath(), $"resilient-proxy-demo-{Environment.ProcessId}.json");
        try
        {
            foreach (var name in Timetable.Upstreams)
            {
                upstreams.Add(await DemoUpstream.StartAsync(name, time));
            }

            samples = await Samples.StartAsync(time);
            await File.WriteAllTextAsync(file, DemoConfig.Text(name => upstreams.Concat(samples).First(upstream => upstream.Name == name).Url));
            var tour = Task.CompletedTask;
            var code = await RunCommand.RunAsync(
                new ProxyAppOptions { ConfigPath = file, Logging = RunCommand.LogToStandardError },
                async app =>
                {
                    await WelcomeAsync(app);
                    tour = new DemoTour(app, upstreams, length, time, Console.Out).RunAsync();
                });
            await tour;
            return code;
        }
        finally
        {
            File.Delete(file);
            foreach (var upstream in upstreams.Concat(samples))
            {
                await upstream.DisposeAsync();
            }
        }
    }

    private static async Task WelcomeAsync(ProxyApp app)
    {
        var proxy = app.TrafficUrls[0];
        await Console.Out.WriteLineAsync($"""
            Dashboard: {app.AdminUrl}/

            Open it in a browser. Four upstreams misbehave on a timetable, 40 callers a second come, and at the end there is a table of what happened.
            Meanwhile, in another terminal:

              curl {proxy}/healthy                  an answer, passed through
              curl -i {proxy}/orders                three upstreams, retries, hedging and circuit breakers
              curl -i {proxy}/plain                 the same three without any help
              curl -i {proxy}/catalog               one upstream, and a fallback for when it fails
              curl -i {proxy}/slow                  the upstream takes 3 s, the route allows an attempt 1 s: 504, and why
              curl -N {proxy}/streaming             events as they come, one every half second for ten seconds
              curl -i {proxy}/dead                  nobody listens there: 502, and why
              curl -i {proxy}/nowhere               no route: 404, and why
              curl {app.AdminUrl}/state             what the dashboard draws, as JSON
              curl {app.AdminUrl}/metrics           what Prometheus would scrape
              curl -X POST {app.AdminUrl}/circuits/orders/a/isolate?ttl=10s     take an upstream out

            The config is {Path.GetFullPath(app.Reloader.Path)}: edit it and it takes effect at once. Ctrl+C ends the demo.

            """);
    }
}
