using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>A sick destination gets no traffic and is taken back gently; overload is refused early.</summary>
internal static class ProtectionScenarios
{
    private const int Rate = 200;

    // Short enough for a scenario of half a minute; the proportions are those of the defaults.
    private const string Cluster = """
        "LoadBalancingPolicy": "PeakEwma",
        "Resilience": { "CircuitBreaker": { "BreakDuration": "2s", "MaxBreakDuration": "4s" }, "HealthCheck": { "SlowStart": "3s" } }
        """;

    /// <summary>The scenarios.</summary>
    public static readonly (string Name, Func<Report, Task> Run)[] All =
    [
        ("gray-hangs", report => GrayAsync(report, Fleet.HangAsync)),
        ("gray-answers-500", report => GrayAsync(report, Fleet.ErrorAsync)),
        ("gray-20-times-slower", report => GrayAsync(report, Fleet.SlowAsync)),
        ("noisy-neighbour", NoisyNeighbourAsync),
        ("overload-fixed-limit", report => OverloadAsync(report, "\"MaxConcurrent\": 32, \"MaxQueue\": 32, \"QueueTimeout\": \"500ms\"")),
        ("overload-adaptive-limit", report => OverloadAsync(report, "\"MaxConcurrent\": \"adaptive\", \"Min\": 4, \"Max\": 1000, \"MaxQueue\": 32, \"QueueTimeout\": \"500ms\"")),
        ("all-circuits-open", AllOpenAsync),
        ("10000-held", TenThousandHeldAsync),
    ];

    private static async Task GrayAsync(Report report, RequestDelegate illness)
    {
        await using var fleet = await Fleet.StartAsync();
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"500ms\" }", Cluster, fleet.Urls));
        var sick = fleet.Members[0];
        await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(3), Get);
        var healthy = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(8), Get);

        sick.Behaviour = illness;
        await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(3), Get);
        var (sickBefore, allBefore) = (sick.Received, fleet.Received);
        var ill = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), Get);
        var share = (double)(sick.Received - sickBefore) / (fleet.Received - allBefore);

        sick.Behaviour = Fleet.WellAsync;
        var recovering = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(4 + 3 + 2), Get);
        (sickBefore, allBefore) = (sick.Received, fleet.Received);
        await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(8), Get);
        var shareAfter = (double)(sick.Received - sickBefore) / (fleet.Received - allBefore);

        report.AtMost("its share of the traffic from 3 s on, %", share * 100, 2);
        report.AtMost("p99 from 3 s on, over healthy p99", ill.Percentile(0.99) / healthy.Percentile(0.99), 1.5);
        // A 500 is not retried by default: the probes that meet one are seen by their callers.
        report.AtLeast("requests that succeed while it is ill, from 3 s on, %", ill.SuccessRate() * 100, illness == Fleet.ErrorAsync ? 99.5 : 99.9);
        report.AtLeast("its share after the recovery, of a fair one, %", shareAfter * 3 * 100, 90);
        report.AtLeast("requests that succeed while it comes back, %", recovering.SuccessRate() * 100, 99.9);
    }

    private static async Task NoisyNeighbourAsync(Report report)
    {
        await using var fleet = await Fleet.StartAsync(2);
        var (quiet, noisy) = (fleet.Members[0], fleet.Members[1]);
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "quiet": { "ClusterId": "quiet", "Match": { "Path": "/quiet" } },
                "noisy": { "ClusterId": "noisy", "Match": { "Path": "/noisy" }, "Resilience": { "Timeouts": { "Attempt": "5s" }, "Retry": "off",
                  "Bulkhead": { "MaxConcurrent": 100, "MaxQueue": 50, "QueueTimeout": "1s" } } }
              },
              "Clusters": {
                "quiet": { "Destinations": { "a": { "Address": "{{quiet.Url}}" } } },
                "noisy": { "Destinations": { "a": { "Address": "{{noisy.Url}}" } }, "Resilience": { "CircuitBreaker": "off" } }
              }
            }
            """);
        await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(3), _ => new(HttpMethod.Get, "/quiet"));
        var alone = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), _ => new(HttpMethod.Get, "/quiet"));

        noisy.Behaviour = Fleet.HangAsync;
        using var others = proxy.NewClient();
        var noise = OpenLoop.RunAsync(others, 60, TimeSpan.FromSeconds(12), _ => new(HttpMethod.Get, "/noisy")); // 60 a second times 5 s: 3 × the bulkhead
        await Task.Delay(1000);
        var beside = await OpenLoop.RunAsync(proxy.Client, Rate, TimeSpan.FromSeconds(10), _ => new(HttpMethod.Get, "/quiet"));
        await noise;

        report.AtLeast("requests of the quiet route that succeed, %", beside.SuccessRate() * 100, 100);
        report.AtMost("its p99 beside the noisy one, over its p99 alone", beside.Percentile(0.99) / alone.Percentile(0.99), 1.3);
    }

    private static async Task OverloadAsync(Report report, string bulkhead)
    {
        // 8 workers of 20 ms each: 400 a second, with everything beyond that waiting in the upstream, as in a thread pool.
        using var workers = new SemaphoreSlim(8);
        await using var fleet = await Fleet.StartAsync(1);
        fleet.Members[0].Behaviour = async context =>
        {
            await workers.WaitAsync(context.RequestAborted);
            try
            {
                await Task.Delay(20, context.RequestAborted);
            }
            finally
            {
                workers.Release();
            }

            await context.Response.WriteAsync("done", context.RequestAborted);
        };
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "\"Retry\": \"off\"", $"\"Resilience\": {{ \"CircuitBreaker\": \"off\", \"Bulkhead\": {{ {bulkhead} }} }}", fleet.Urls));
        await OpenLoop.RunAsync(proxy.Client, 100, TimeSpan.FromSeconds(3), Get);

        // What the upstream really does in a second, timers and all, measured at just enough parallel callers.
        var capacity = await CapacityAsync(proxy);
        var offered = (int)(capacity * 3);
        var samples = await OpenLoop.RunAsync(proxy.Client, offered, TimeSpan.FromSeconds(15), Get);
        var good = samples.Count(sample => sample.Succeeded && sample.Latency < TimeSpan.FromSeconds(1));
        var after = await OpenLoop.RunAsync(proxy.Client, 100, TimeSpan.FromSeconds(5), Get);

        report.Says("capacity, requests a second", capacity);
        report.AtLeast("goodput within 1 s, of the capacity, %", good / 15.0 / capacity * 100, 90);
        report.AtLeast("requests that succeed from 1 s after the load dropped on, %", after.Between(1, 5).SuccessRate() * 100, 99.9);
        report.AtMost("their p99, ms", after.Between(1, 5).Percentile(0.99), 100);
    }

    private static async Task<double> CapacityAsync(RunningProxy proxy)
    {
        var started = Stopwatch.GetTimestamp();
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(4))
            {
                using var response = await proxy.Client.GetAsync("/");
                Interlocked.Increment(ref done);
            }
        }));
        return done / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task AllOpenAsync(Report report)
    {
        const int Requests = 20_000;
        await using var fleet = await Fleet.StartAsync();
        foreach (var member in fleet.Members)
        {
            member.Behaviour = static context => context.Response.WriteAsync("well");
        }

        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"Resilience\": { \"CircuitBreaker\": { \"BreakDuration\": \"30s\" } }", fleet.Urls));
        await CpuOfAsync(proxy, Requests);
        var forwarded = await CpuOfAsync(proxy, Requests);
        foreach (var member in fleet.Members)
        {
            member.Behaviour = Fleet.ErrorAsync;
        }

        for (var i = 0; i < 60; i++)
        {
            using var _ = await proxy.Client.GetAsync("/");
        }

        var before = fleet.Received;
        await CpuOfAsync(proxy, Requests);
        var refused = await CpuOfAsync(proxy, Requests);

        report.AtMost("requests that reached an upstream while all were open", fleet.Received - before, 3);
        report.Says("CPU of proxy, client and upstream for a forwarded request, µs", forwarded);
        report.Says("CPU of proxy and client for a refused request, µs", refused);
        report.AtMost("refused over forwarded", refused / forwarded, 0.5);
    }

    // In one process, so the client's (and the upstream's) share is in it: the bound above leaves room for that.
    private static async Task<double> CpuOfAsync(RunningProxy proxy, int requests)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, token) =>
        {
            using var response = await proxy.Client.GetAsync("/", token);
        });
        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / requests;
    }

    private static async Task TenThousandHeldAsync(Report report)
    {
        await using var fleet = await Fleet.StartAsync(1);
        fleet.Members[0].Behaviour = Fleet.HangAsync;
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "\"Timeouts\": { \"Attempt\": \"30s\" }, \"Retry\": \"off\"",
            "\"Resilience\": { \"CircuitBreaker\": \"off\", \"Bulkhead\": { \"MaxConcurrent\": 200, \"MaxConcurrentPerDestination\": 200, \"MaxQueue\": 100, \"QueueTimeout\": \"5s\" } }",
            fleet.Urls));
        using var cancel = new CancellationTokenSource();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var refusals = new List<double>();
        var all = Enumerable.Range(0, 10_000).Select(async _ =>
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                using var response = await proxy.Client.GetAsync("/", cancel.Token);
                lock (refusals)
                {
                    refusals.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }
            }
            catch (OperationCanceledException)
            {
                // Held to the end, as it should be.
            }
        }).ToArray();
        await Eventually.TrueAsync(() => refusals.Count >= 9_700, "all but those that are held or queued refused", TimeSpan.FromSeconds(60));
        report.AtMost("attempts at the upstream", fleet.Received, 200);
        report.AtMost("held memory, MiB", (GC.GetTotalMemory(forceFullCollection: true) - before) / 1048576.0, 200);
        await cancel.CancelAsync();
        await Task.WhenAll(all);
        report.Says("refusals", refusals.Count);
    }

    private static HttpRequestMessage Get(int number) => new(HttpMethod.Get, "/");
}
