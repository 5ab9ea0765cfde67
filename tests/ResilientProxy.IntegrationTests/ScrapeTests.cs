using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>Alone: the memory it looks at is the whole process's.</summary>
[Collection(nameof(ScrapeTests))]
[CollectionDefinition(nameof(ScrapeTests), DisableParallelization = true)]
public class ScrapeTests
{
    [Fact]
    public async Task A_hundred_scrapes_at_once_are_all_whole_and_do_not_stop_traffic()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var families = Families(await proxy.Admin.GetStringAsync("/metrics"));
        for (var i = 0; i < 50; i++)
        {
            await proxy.Client.GetStringAsync("/");
        }

        GC.Collect();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var scrapes = Task.WhenAll(Enumerable.Range(0, 100).Select(_ => proxy.Admin.GetStringAsync("/metrics")));
        var times = new List<TimeSpan>();
        while (!scrapes.IsCompleted || times.Count < 100)
        {
            var began = Stopwatch.GetTimestamp();
            Assert.Equal("ok", await proxy.Client.GetStringAsync("/"));
            times.Add(Stopwatch.GetElapsedTime(began));
        }

        // Every answer ends where it should: with its last line whole, and with nothing missing.
        foreach (var text in await scrapes)
        {
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            Assert.Empty(families.Except(Families(text)));
        }

        // The slowest of a hundred or so on a machine that may be busy with other things: what is told apart here is slow from stuck.
        var p99 = times.Order().ElementAt((times.Count * 99) / 100);
        Assert.True(p99 < TimeSpan.FromSeconds(5), $"the 99th percentile was {p99}");
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - memory, long.MinValue, 64L << 20);
    }

    private static HashSet<string> Families(string text) =>
        [.. text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
}
