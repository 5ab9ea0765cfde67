using System.Diagnostics;
using ResilientProxy.Benchmarks.Comparison;
using ResilientProxy.Benchmarks.Scenarios;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>Everything at once for a long time, and then the books: every failure explained, nothing leaked, three counts that agree to the last request.</summary>
internal static class SoakRunner
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    /// <summary>Runs it.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <returns>The exit code: 0 where everything holds.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (SoakOptions.Parse(arguments) is not { } options)
        {
            await Console.Error.WriteLineAsync("usage: soak " + SoakOptions.Usage);
            return 2;
        }

        var folder = Directory.CreateTempSubdirectory("resilient-proxy-soak-");
        try
        {
            return await RunAsync(options, Path.Combine(folder.FullName, "proxy.json"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<int> RunAsync(SoakOptions options, string file)
    {
        var ledger = new Ledger();
        var upstreams = await SoakUpstreams.StartAsync(ledger, options);
        var (port, adminPort) = (TargetProcess.FreePort(), TargetProcess.FreePort());
        var config = new SoakConfig(options, port, adminPort, upstreams.Urls, RawUpstream.DeadUrl());
        await File.WriteAllTextAsync(file, config.Text(0));
        await using var proxy = await SoakProxy.StartAsync(options.Proxy, file, port, adminPort, ledger);
        var filesAtStart = proxy.Files;
        var figures = new Figures();
        var report = new Report(options.Calm ? "soak, calm" : "soak");
        using var over = new CancellationTokenSource();
        var load = new SoakLoad(proxy.Url, ledger, options);
        var watching = WatchAsync(proxy, ledger, load, figures, over.Token);
        var reloading = options.Calm ? Task.FromResult((0, 0)) : ReloadAsync(proxy, config, file, over.Token);

        await load.RunAsync(TimeSpan.FromMinutes(options.Minutes));
        await over.CancelAsync();
        await watching;
        var (reloads, refusedReloads) = await reloading;
        await JudgeCountsAsync(proxy, ledger, report, options);
        figures.Judge(report);
        if (!options.Calm)
        {
            report.AtLeast("reloads that were taken over", reloads, options.Minutes * 60 * 0.5);
            report.AtMost("reloads that were refused", refusedReloads, 0);
        }

        // Nobody is connected any more: what is still open now is open for ever.
        load.Dispose();
        await upstreams.DisposeAsync();
        var files = await SettledFilesAsync(proxy, filesAtStart);
        report.Says("open files before the load", filesAtStart);
        report.AtMost("open files once clients and upstreams are gone", files, filesAtStart + 10);
        report.AtMost("exit code after a drain", await proxy.DrainAsync(), 0);
        report.Print();
        Print(ledger, proxy, report);
        return report.Holds ? 0 : 1;
    }

    private static async Task WatchAsync(SoakProxy proxy, Ledger ledger, SoakLoad load, Figures figures, CancellationToken over)
    {
        var started = Stopwatch.GetTimestamp();
        for (var count = 1; !over.IsCancellationRequested; count++)
        {
            await Task.Delay(Delay(started, Every * count), over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!over.IsCancellationRequested)
            {
                var resident = proxy.ResidentMiB; // as it is with the collections the proxy made by itself
                var collected = await FullCollection.AskAsync(proxy.Id);
                var metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
                var heap = metrics.Sum("dotnet_gc_last_collection_heap_size_bytes") / 1024 / 1024;
                figures.Add(
                    new(Stopwatch.GetElapsedTime(started).TotalSeconds, resident, heap, proxy.Files, proxy.Threads),
                    $"begun {ledger.Begun}, waiting {load.Running}, contradictions {ledger.Contradictions}{(collected ? "" : ", heap as it was")}");
                ledger.Judge(all: false);
            }
        }
    }

    private static async Task<(int Successful, int Refused)> ReloadAsync(SoakProxy proxy, SoakConfig config, string file, CancellationToken over)
    {
        var (successful, refused) = (0, 0);
        for (var version = 1; !over.IsCancellationRequested; version++)
        {
            var started = Stopwatch.GetTimestamp();

            // As an editor saves: the watcher must never see half a file.
            await File.WriteAllTextAsync(file + ".new", config.Text(version), CancellationToken.None);
            File.Move(file + ".new", file, overwrite: true);
            using var answer = await proxy.Admin.PostAsync("/reload", null, CancellationToken.None);
            (successful, refused) = answer.IsSuccessStatusCode ? (successful + 1, refused) : (successful, refused + 1);
            await Task.Delay(Delay(started, TimeSpan.FromSeconds(1)), over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return (successful, refused);
    }

    private static async Task JudgeCountsAsync(SoakProxy proxy, Ledger ledger, Report report, SoakOptions options)
    {
        // The log's last lines come a moment after the last answer.
        var metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
        for (var i = 0; i < 100 && metrics.Sum("resilient_proxy_requests_in_flight") > 0; i++)
        {
            await Task.Delay(100);
            metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
        }

        await Task.Delay(1000);
        metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
        ledger.Judge(all: true);
        report.Says("requests begun", ledger.Begun);
        report.AtMost("requests about which client, log and upstreams do not agree", ledger.Contradictions, 0);
        report.AtMost("lines and deliveries that belong to no request", ledger.Strange, 0);
        Equal("requests in the metrics", metrics.Sum("resilient_proxy_requests_total"), "in the log", ledger.Logged);
        Equal("attempts in the metrics", metrics.Sum("resilient_proxy_attempts_total"), "in the log", ledger.Attempts);
        report.Says("attempts that were provably not received", ledger.NotReceived);
        report.Says("attempts that ended before it was certain (client left, hedge lost, time up)", ledger.Uncertain);
        report.Says("requests that the upstreams received", ledger.Deliveries);
        report.AtLeast("the same, at least the certain attempts", ledger.Deliveries, ledger.Attempts - ledger.NotReceived - ledger.Uncertain);
        report.AtMost("the same, at most all but those provably not received", ledger.Deliveries, ledger.Attempts - ledger.NotReceived);
        report.AtMost("lines of the access log that were dropped", metrics.Sum("resilient_proxy_access_log_dropped_total"), 0);
        report.AtMost("requests still in flight", metrics.Sum("resilient_proxy_requests_in_flight"), 0);
        report.AtMost("attempts still in flight", metrics.Sum("resilient_proxy_attempts_in_flight"), 0);
        report.AtMost("places of bulkheads still taken", metrics.Sum("resilient_proxy_bulkhead_in_flight"), 0);
        if (options.Calm)
        {
            report.AtLeast("requests that succeed, %", ledger.Ends.GetValueOrDefault("200") * 100.0 / ledger.Begun, 100);
        }

        void Equal(string what, double one, string where, double other)
        {
            report.Says($"{what}", one);
            report.AtMost($"the same {where}, difference", Math.Abs(one - other), 0);
        }
    }

    private static async Task<int> SettledFilesAsync(SoakProxy proxy, int atStart)
    {
        var started = Stopwatch.GetTimestamp();
        while (proxy.Files > atStart + 10 && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(75))
        {
            await Task.Delay(500);
        }

        return proxy.Files;
    }

    private static void Print(Ledger ledger, SoakProxy proxy, Report report)
    {
        Console.WriteLine("ends: " + string.Join(", ", ledger.Ends.Select(end => $"{end.Key}: {end.Value}")));
        foreach (var example in ledger.Examples)
        {
            Console.WriteLine("  " + example);
        }

        if (!report.Holds)
        {
            Console.WriteLine(string.Join('\n', proxy.Errors));
        }
    }

    private static TimeSpan Delay(long started, TimeSpan due)
    {
        var left = due - Stopwatch.GetElapsedTime(started);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
