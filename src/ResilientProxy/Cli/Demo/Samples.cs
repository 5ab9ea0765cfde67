using System.Globalization;

namespace ResilientProxy.Cli.Demo;

/// <summary>Upstreams beside the timetable: each always does one thing, for a curl to see.</summary>
internal static class Samples
{
    /// <summary>Starts them.</summary>
    /// <param name="time">The clock.</param>
    public static async Task<IReadOnlyList<DemoUpstream>> StartAsync(TimeProvider time) =>
    [
        await DemoUpstream.StartAsync("healthy", time, static context => context.Response.WriteAsync("hello from the healthy upstream\n")),
        await DemoUpstream.StartAsync("slow", time, async context =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), time, context.RequestAborted);
            await context.Response.WriteAsync("hello from the slow upstream, three seconds later\n", context.RequestAborted);
        }),
        await DemoUpstream.StartAsync("streaming", time, async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 1; i <= 20; i++)
            {
                await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"data: event {i} of 20\n\n"), context.RequestAborted);
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, context.RequestAborted);
            }
        }),
    ];
}
