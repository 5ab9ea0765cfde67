using System.Globalization;
using ResilientProxy.Benchmarks.Scenarios;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>What the proxy holds at one moment.</summary>
/// <param name="Seconds">Since the load began.</param>
/// <param name="ResidentMiB">Resident memory.</param>
/// <param name="HeapMiB">The managed heap after a full collection.</param>
/// <param name="Files">Open files, sockets among them.</param>
/// <param name="Threads">Threads.</param>
internal readonly record struct Figure(double Seconds, double ResidentMiB, double HeapMiB, int Files, int Threads);

/// <summary>What the proxy held over time, and whether it stayed flat after the first minute.</summary>
internal sealed class Figures
{
    private const double WarmUpSeconds = 60;
    private const int Fewest = 6;

    private readonly List<Figure> _all = [];

    /// <summary>Keeps one and prints it.</summary>
    /// <param name="figure">What the proxy holds.</param>
    /// <param name="note">What else there is to say at this moment.</param>
    public void Add(Figure figure, string note)
    {
        _all.Add(figure);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{figure.Seconds,6:0} s  resident {figure.ResidentMiB,6:0.0} MiB  heap after GC {figure.HeapMiB,6:0.0} MiB  files {figure.Files,5}  threads {figure.Threads,3}  {note}"));
    }

    /// <summary>Compares the last third of the time after the first minute with its first third, so that one odd moment decides nothing.</summary>
    /// <param name="report">Takes the figures and their bounds.</param>
    public void Judge(Report report)
    {
        var settled = _all.Where(figure => figure.Seconds >= WarmUpSeconds).ToArray();
        if (settled.Length < Fewest)
        {
            report.Says("seconds after the first minute, too few to call anything flat", Math.Max(0, (_all.Count == 0 ? 0 : _all[^1].Seconds) - WarmUpSeconds));
            return;
        }

        var third = settled.Length / 3;
        Compare(figure => figure.ResidentMiB, "resident memory, last third of the time", 1.15, 16, " MiB");
        Compare(figure => figure.HeapMiB, "heap after GC, last third of the time", 1.25, 12, " MiB");
        Compare(figure => figure.Files, "open files, last third of the time", 1.25, 40, "");
        Compare(figure => figure.Threads, "threads, last third of the time", 1, 8, "");
        report.Says("slope of resident memory after the first minute", Slope(settled, figure => figure.ResidentMiB), " MiB/min");
        report.Says("slope of the heap after the first minute", Slope(settled, figure => figure.HeapMiB), " MiB/min");

        void Compare(Func<Figure, double> value, string what, double factor, double more, string unit) =>
            report.AtMost(what, Median(settled[^third..], value), (Median(settled[..third], value) * factor) + more, unit);
    }

    private static double Median(IEnumerable<Figure> figures, Func<Figure, double> value)
    {
        var ordered = figures.Select(value).Order().ToArray();
        return ordered[ordered.Length / 2];
    }

    // Least squares.
    private static double Slope(Figure[] figures, Func<Figure, double> value)
    {
        var (meanTime, meanValue) = (figures.Average(figure => figure.Seconds / 60), figures.Average(value));
        return figures.Sum(figure => ((figure.Seconds / 60) - meanTime) * (value(figure) - meanValue))
            / figures.Sum(figure => Math.Pow((figure.Seconds / 60) - meanTime, 2));
    }
}
