using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

public sealed class DemoTests
{
    [Fact]
    public async Task The_tour_prints_the_dashboard_first_and_what_happened_at_its_end()
    {
        await using var process = ProxyProcess.Start("demo", "--seconds", "8");
        await Eventually.TrueAsync(() => process.Output.Contains("go on until Ctrl+C", StringComparison.Ordinal), "the end of the tour", TimeSpan.FromSeconds(60));

        Assert.StartsWith("Dashboard: http://127.0.0.1:", process.Output);
        foreach (var expected in (string[])["b answers 503", "c turns slow", "a hangs", "What it cost:", "orders   ", "plain    ", "catalog  "])
        {
            Assert.Contains(expected, process.Output);
        }

        using var client = new HttpClient();
        var dashboard = process.Output.Split('\n')[0]["Dashboard: ".Length..];
        Assert.Contains("<title>ResilientProxy</title>", await client.GetStringAsync(dashboard));
        await process.SignalAsync("INT");
        Assert.Equal(0, await process.ExitAsync());
        Assert.DoesNotContain("   at ", process.Errors);
    }

    [Fact]
    public async Task Ended_in_the_middle_it_prints_what_there_was_so_far()
    {
        await using var process = ProxyProcess.Start("demo");
        await Eventually.TrueAsync(() => process.Output.Contains("all are well", StringComparison.Ordinal), "the first part", TimeSpan.FromSeconds(30));

        await process.SignalAsync("INT");

        Assert.Equal(0, await process.ExitAsync());
        Assert.Contains("What it cost:", process.Output);
        Assert.DoesNotContain("b answers 503", process.Output);
        Assert.DoesNotContain("go on until Ctrl+C", process.Output);
    }
}
