using System.Globalization;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>What a failing destination of three costs the callers: nothing.</summary>
internal static class AttemptScenarios
{
    private const int Rate = 200;

    /// <summary>The scenarios.</summary>
    public static readonly (string Name, Func<Report, Task> Run)[] All =
    [
        ("one-answers-503", OneAnswers503Async),
        ("one-refuses", OneRefusesAsync),
        ("one-resets-half", OneResetsHalfAsync),
        ("one-hangs", OneHangsAsync),
        ("one-hangs-hedged", OneHangsHedgedAsync),
        ("all-answer-503", report => AllAnswer503Async(report, "", 1.25)),

        // The floor of the eleventh second that ten of them touch comes on top.
        ("all-answer-503-without-circuits", report => AllAnswer503Async(report, "\"Resilience\": { \"CircuitBreaker\": \"off\" }", 1.26)),
    ];

    private static async Task OneAnswers503Async(Report report)
    {
        await using var fleet = await Fleet.StartAsync();
        fleet.Members[0].Behaviour = Fleet.UnavailableAsync;
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", fleet.Urls));

        var samples = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), Get);

        report.AtLeast("GETs that succeed, %", samples.SuccessRate() * 100, 100);
        report.Says("p99, ms", samples.Percentile(0.99));
    }

    private static async Task OneRefusesAsync(Report report)
    {
        await using var fleet = await Fleet.StartAsync(2);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", [RawUpstream.DeadUrl(), .. fleet.Urls]));
        var methods = new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Put, HttpMethod.Patch, HttpMethod.Delete };

        var samples = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), i => Request(methods[i % methods.Length], i));

        report.AtLeast("requests of all methods that succeed, %", samples.SuccessRate() * 100, 100);
        report.AtMost("deliveries of one request", fleet.MostDeliveriesOfOne, 1);
    }

    private static async Task OneResetsHalfAsync(Report report)
    {
        await using var fleet = await Fleet.StartAsync();
        fleet.Members[0].Behaviour = Fleet.ResetHalfAsync;
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", fleet.Urls));

        var samples = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(15), i => i % 4 == 0 ? Request(HttpMethod.Post, i) : Get(i));

        report.AtLeast("GETs that succeed, %", samples.Where((_, i) => i % 4 != 0).ToArray().SuccessRate() * 100, 99.9);
        report.AtMost("deliveries of one POST", fleet.MostDeliveriesOfOne, 1);
        report.Says("POSTs that succeed, %", samples.Where((_, i) => i % 4 == 0).ToArray().SuccessRate() * 100);
    }

    private static async Task OneHangsAsync(Report report)
    {
        await using var fleet = await Fleet.StartAsync();
        fleet.Members[0].Behaviour = Fleet.HangAsync;
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"500ms\" }", "", fleet.Urls));

        var samples = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(20), Get);

        report.AtLeast("GETs that succeed, %", samples.SuccessRate() * 100, 99.9);
        report.AtMost("p99, ms (Attempt + 50)", samples.Percentile(0.99), 550);
    }

    private static async Task OneHangsHedgedAsync(Report report)
    {
        await using var fleet = await Fleet.StartAsync();
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"500ms\" }, \"Hedging\": { \"Delay\": \"p95\" }", "", fleet.Urls));
        var healthy = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), Get);
        var before = fleet.Received;

        fleet.Members[0].Behaviour = Fleet.HangAsync;
        var samples = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(30), Get);

        report.AtLeast("GETs that succeed, %", samples.SuccessRate() * 100, 99.9);
        report.Says("p99 while all are healthy, ms", healthy.Percentile(0.99));
        report.AtMost("p99 over healthy p99", samples.Percentile(0.99) / healthy.Percentile(0.99), 2);
        report.AtMost("extra load, %", (((double)(fleet.Received - before) / samples.Length) - 1) * 100, 5);
    }

    // An outage of everything. Without circuits it is the budget alone that keeps retries from making it worse.
    private static async Task AllAnswer503Async(Report report, string cluster, double mostLoad)
    {
        await using var fleet = await Fleet.StartAsync();
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", cluster, fleet.Urls));
        await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(11), Get);
        foreach (var member in fleet.Members)
        {
            member.Behaviour = Fleet.UnavailableAsync;
        }

        var before = fleet.Received;
        var outage = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), Get);
        var duringOutage = fleet.Received - before;
        foreach (var member in fleet.Members)
        {
            member.Behaviour = Fleet.WellAsync;
        }

        var after = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(20), Get);

        report.AtMost("upstream requests over client requests in the outage", (double)duringOutage / outage.Length, mostLoad);
        var lastFailure = after.Where(sample => !sample.Succeeded).Select(sample => sample.Due.TotalSeconds).DefaultIfEmpty(0).Max();
        report.Says("last failure after the recovery, s", lastFailure);
        report.AtLeast("GETs that succeed from 1 s after the recovery on, %", after.Between(1, 20).SuccessRate() * 100, 99.9);
    }

    private static HttpRequestMessage Get(int number) => Request(HttpMethod.Get, number);

    private static HttpRequestMessage Request(HttpMethod method, int number)
    {
        var request = new HttpRequestMessage(method, "/");
        if (method != HttpMethod.Get && method != HttpMethod.Delete)
        {
            request.Headers.Add("X-Id", number.ToString(CultureInfo.InvariantCulture));
            request.Content = new ByteArrayContent(new byte[1024]);
        }

        return request;
    }
}
