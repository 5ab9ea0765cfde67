using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>The figures of a comparison, as a table and as a file.</summary>
internal sealed class ComparisonResults(
    ComparisonOptions options, IReadOnlyCollection<Slice> slices, IReadOnlyCollection<Figure> figures, IReadOnlyCollection<string> notes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Prints the table: Markdown, medians with the lowest and the highest.</summary>
    public void Print()
    {
        Console.WriteLine($"{Processor()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}");
        Console.WriteLine($"{options.Rounds} interleaved rounds of {options.Seconds} s; medians (lowest to highest), ratios within a round");
        Console.WriteLine();
        foreach (var name in slices.Select(slice => slice.Case).Distinct())
        {
            Console.WriteLine($"| {TitleOf(name)} | CPU µs a request | to bare YARP | to nginx | requests/s | p50 ms | p99 ms | p99 to bare YARP | MiB | bytes allocated |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
            foreach (var target in slices.Where(slice => slice.Case == name).Select(slice => slice.Target).Distinct().OrderBy(Rank))
            {
                var of = slices.Of(name, target);
                Console.WriteLine("| " + string.Join(" | ",
                    target,
                    WithSpread(Spread.Of(of.Select(slice => slice.CpuMicroseconds)), "0.0"),
                    WithSpread(slices.Ratio(name, target, Contestants.Yarp, slice => slice.CpuMicroseconds), "0.00"),
                    WithSpread(slices.Ratio(name, target, Contestants.Nginx, slice => slice.CpuMicroseconds), "0.00"),
                    Median(of.Select(slice => slice.PerSecond), "0"),
                    Median(of.Select(slice => slice.P50), "0.00"),
                    WithSpread(Spread.Of(of.Select(slice => slice.P99)), "0.00"),
                    WithSpread(slices.Ratio(name, target, Contestants.Yarp, slice => slice.P99), "0.00"),
                    Median(of.Select(slice => slice.ResidentMiB), "0"),
                    of[0].AllocatedBytes is null ? "–" : Median(of.Select(slice => slice.AllocatedBytes ?? 0), "0")) + " |");
            }

            PrintVariants(name);
            PrintRoutes(name);
            Console.WriteLine();
        }

        PrintFigures();
        foreach (var note in notes)
        {
            Console.WriteLine($"{note}  ");
        }
    }

    /// <summary>CPU time of one target to another's, median over the rounds; null where one was not measured.</summary>
    public double? CpuRatio(string load, string target, string reference) => slices.Ratio(load, target, reference, slice => slice.CpuMicroseconds)?.Median;

    /// <summary>The same of the 99th percentile of the latency.</summary>
    public double? P99Ratio(string load, string target, string reference) => slices.Ratio(load, target, reference, slice => slice.P99)?.Median;

    /// <summary>Bytes one target allocates for a request beyond another's, by their medians; null where one was not measured.</summary>
    public double? AllocatedBeyond(string load, string target, string reference)
    {
        return Median(target) - Median(reference);

        double? Median(string of) =>
            slices.Of(load, of).Select(slice => slice.AllocatedBytes).OfType<double>().ToArray() is { Length: > 0 } values ? Spread.Of(values).Median : null;
    }

    /// <summary>The median of a figure; null where it was not measured.</summary>
    public double? Median(string name, string target) => Of(name, target) is { Length: > 0 } values ? Spread.Of(values).Median : null;

    /// <summary>One target's median of a figure to another's; null where one was not measured.</summary>
    public double? FigureRatio(string name, string target, string reference) => Median(name, target) / Median(name, reference);

    private double[] Of(string name, string target) => [.. figures.Where(figure => figure.Name == name && figure.Target == target).Select(figure => figure.Value)];

    private void PrintFigures()
    {
        if (figures.Count == 0)
        {
            return;
        }

        Console.WriteLine("| figure | " + Contestants.Resilient + " | " + Contestants.Yarp + " | ratio |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var name in figures.Select(figure => figure.Name).Distinct())
        {
            var ratio = FigureRatio(name, Contestants.Resilient, Contestants.Yarp);
            Console.WriteLine("| " + string.Join(" | ", name, Cell(Contestants.Resilient), Cell(Contestants.Yarp), ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "–") + " |");

            string Cell(string target) => WithSpread(Of(name, target) is { Length: > 0 } values ? Spread.Of(values) : null, "0.0");
        }

        Console.WriteLine();
    }

    /// <summary>Writes every single figure to a file.</summary>
    /// <param name="file">The file; its folder is made.</param>
    public void Write(string file)
    {
        var ratios = slices.Select(slice => (slice.Case, slice.Target)).Distinct().Select(of => new
        {
            of.Case,
            of.Target,
            CpuToBareYarp = slices.Ratio(of.Case, of.Target, Contestants.Yarp, slice => slice.CpuMicroseconds),
            CpuToNginx = slices.Ratio(of.Case, of.Target, Contestants.Nginx, slice => slice.CpuMicroseconds),
            P99ToBareYarp = slices.Ratio(of.Case, of.Target, Contestants.Yarp, slice => slice.P99),
        });
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        File.WriteAllText(file, JsonSerializer.Serialize(
            new
            {
                Machine = new { Processor = Processor(), Cores = Environment.ProcessorCount, System = RuntimeInformation.OSDescription, Runtime = Environment.Version.ToString() },
                options.Rounds,
                options.Seconds,
                Slices = slices,
                Ratios = ratios,
                Figures = figures,
                Notes = notes,
            },
            Json));
    }

    private void PrintVariants(string name)
    {
        PrintRatio("retries, budget and replay (policy standard to none)", Contestants.Resilient, Contestants.ResilientNone);
        PrintRatio("access log (to none)", Contestants.ResilientLog, Contestants.Resilient);

        void PrintRatio(string what, string target, string reference)
        {
            if (slices.Ratio(name, target, reference, slice => slice.CpuMicroseconds) is { } ratio)
            {
                Console.WriteLine($"{(target == Contestants.Resilient ? "\n" : "")}CPU of the {what}: {WithSpread(ratio, "0.00")}  ");
            }
        }
    }

    private void PrintRoutes(string name)
    {
        if (name == RouteCase.Name && slices.Ratio(name, RouteCase.Most, RouteCase.One, slice => slice.CpuMicroseconds) is { } ratio)
        {
            Console.WriteLine($"\nCPU with {RouteCase.Most} (to {RouteCase.One}): {WithSpread(ratio, "0.00")}  ");
        }
    }

    private static string TitleOf(string name) => LoadCase.All.FirstOrDefault(load => load.Name == name)?.Title ?? name switch
    {
        Http2Case.Name => Http2Case.Title,
        RouteCase.Name => RouteCase.Title,
        _ => HalfCapacityCase.Title,
    };

    private static int Rank(string target) => target switch { Contestants.Resilient => 0, Contestants.ResilientNone => 1, Contestants.ResilientLog => 2, Contestants.Yarp => 3, _ => 4 };

    private static string Median(IEnumerable<double> values, string format) => Spread.Of(values).Median.ToString(format, CultureInfo.InvariantCulture);

    private static string WithSpread(Spread? spread, string format) => spread is not { } of
        ? "–"
        : string.Create(CultureInfo.InvariantCulture, $"{of.Median.ToString(format, CultureInfo.InvariantCulture)} ({of.Min.ToString(format, CultureInfo.InvariantCulture)}–{of.Max.ToString(format, CultureInfo.InvariantCulture)})");

    private static string Processor() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':') + 2)..]
        : "unnamed processor";
}
