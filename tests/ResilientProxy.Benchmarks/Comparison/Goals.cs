using System.Globalization;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>What the proxy promises of itself: the short form holds its figures to these.</summary>
/// <param name="What">The figure in words.</param>
/// <param name="Bound">The most it may be.</param>
/// <param name="Measure">The figure; null where it was not measured.</param>
/// <param name="IsOfMachine">Whether it says as much about the machine as about the proxy: milliseconds, not a ratio. Such a goal fails nothing.</param>
internal sealed record Goal(string What, double Bound, Func<ComparisonResults, double?> Measure, bool IsOfMachine = false)
{
    // What CI leaves above a goal for a machine that is noisy, and for few rounds.
    private const double Room = 1.15;

    /// <summary>All of them.</summary>
    public static readonly Goal[] All =
    [
        new("CPU of a GET, 64 connections, to bare YARP", 0.90, results => results.CpuRatio("get-64", Contestants.Resilient, Contestants.Yarp)),
        new("CPU of a POST of 1 KiB, to bare YARP", 1.00, results => results.CpuRatio("post-64", Contestants.Resilient, Contestants.Yarp)),
        new("bytes allocated by a GET beyond bare YARP's", 200, results => results.AllocatedBeyond("get-64", Contestants.Resilient, Contestants.Yarp)),
        new("bytes allocated by a POST of 1 KiB beyond bare YARP's", 200, results => results.AllocatedBeyond("post-64", Contestants.Resilient, Contestants.Yarp)),
        new("CPU of a GET, 1,024 connections, to bare YARP", 1.00, results => results.CpuRatio("get-1024", Contestants.Resilient, Contestants.Yarp)),
        new("CPU of a GET over HTTP/2, to bare YARP", 1.00, results => results.CpuRatio(Http2Case.Name, Contestants.Resilient, Contestants.Yarp)),
        new("CPU with 10,000 routes, to one route", 1.05, results => results.CpuRatio(RouteCase.Name, RouteCase.Most, RouteCase.One)),
        new("memory of a route, KiB", 20, results => results.Median(RouteCase.MemoryFigure, Contestants.Resilient)),
        new("reload with 10,000 routes, ms", 1000, results => results.Median(RouteCase.ReloadFigure, Contestants.Resilient), IsOfMachine: true),
        new("memory of an idle WebSocket, to bare YARP", 1.00, results => results.FigureRatio(StreamCase.WebSockets, Contestants.Resilient, Contestants.Yarp)),
        new("memory of an idle event stream, to bare YARP", 1.00, results => results.FigureRatio(StreamCase.EventStreams, Contestants.Resilient, Contestants.Yarp)),
        new("start to first answer, ms", 400, results => results.Median(StartCase.ToFirstAnswer, Contestants.Resilient), IsOfMachine: true),
        new("resident memory when idle, MiB", 70, results => results.Median(StartCase.IdleMemory, Contestants.Resilient), IsOfMachine: true),
        new("p99 at half of bare YARP's capacity, to bare YARP", 1.10, results => results.P99Ratio(HalfCapacityCase.Name, Contestants.Resilient, Contestants.Yarp)),
    ];

    /// <summary>Says of every goal that was measured whether it is met.</summary>
    /// <param name="results">The figures.</param>
    /// <returns>Whether none of the ratios is missed by more than the room.</returns>
    public static bool Judge(ComparisonResults results)
    {
        var holds = true;
        Console.WriteLine("| goal | at most | is | |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var goal in All)
        {
            if (goal.Measure(results) is not { } value)
            {
                continue;
            }

            holds &= goal.IsOfMachine || value <= goal.Bound * Room;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {goal.What} | {goal.Bound:0.##} | {value:0.##} | {(value <= goal.Bound ? "met" : value <= goal.Bound * Room ? "within 15 %" : "MISSED")} |"));
        }

        return holds;
    }
}
