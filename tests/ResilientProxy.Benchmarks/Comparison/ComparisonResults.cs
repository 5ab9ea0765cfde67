using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>The figures of a comparison, as a table and as a file.</summary>
internal sealed class ComparisonResults(ComparisonOptions options, IReadOnlyCollection<Slice> slices, IReadOnlyList<Start> starts)
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
            Console.WriteLine();
        }

        if (starts.Count > 0)
        {
            Console.WriteLine(
                $"start to first answer: {WithSpread(Spread.Of(starts.Select(start => start.ToFirstAnswerMilliseconds)), "0")} ms; "
                + $"resident memory when idle: {WithSpread(Spread.Of(starts.Select(start => start.IdleMiB)), "0")} MiB");
        }
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
                Starts = starts,
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

    private static string TitleOf(string name) => LoadCase.All.FirstOrDefault(load => load.Name == name)?.Title ?? "GET 100 B at half of bare YARP's capacity, open loop";

    private static int Rank(string target) => target switch { Contestants.Resilient => 0, Contestants.ResilientNone => 1, Contestants.ResilientLog => 2, Contestants.Yarp => 3, _ => 4 };

    private static string Median(IEnumerable<double> values, string format) => Spread.Of(values).Median.ToString(format, CultureInfo.InvariantCulture);

    private static string WithSpread(Spread? spread, string format) => spread is not { } of
        ? "–"
        : string.Create(CultureInfo.InvariantCulture, $"{of.Median.ToString(format, CultureInfo.InvariantCulture)} ({of.Min.ToString(format, CultureInfo.InvariantCulture)}–{of.Max.ToString(format, CultureInfo.InvariantCulture)})");

    private static string Processor() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':') + 2)..]
        : "unnamed processor";
}
