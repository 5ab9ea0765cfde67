using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;

namespace ResilientProxy.Benchmarks.Parts;

/// <summary>The parts of the request path one by one: time and allocations of each.</summary>
internal static class PartsRunner
{
    /// <summary>The arguments there are.</summary>
    public const string Usage = "[--short] [PATTERN …]";

    /// <summary>Runs them, or those whose name a pattern such as <c>*Breaker*</c> matches.</summary>
    /// <param name="arguments">See <see cref="Usage"/>.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        // In this process: what is measured is internal, and needs no program generated and built around it.
        var length = arguments.Contains("--short") ? Job.ShortRun : Job.MediumRun;
        var config = ManualConfig.CreateEmpty()
            .AddJob(length.WithToolchain(InProcessNoEmitToolchain.Instance))
            .AddColumn(TargetMethodColumn.Method, StatisticColumn.Mean, StatisticColumn.Error)
            .AddColumnProvider(DefaultColumnProviders.Params, DefaultColumnProviders.Metrics)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddExporter(MarkdownExporter.GitHub)
            .AddLogger(ConsoleLogger.Default)
            .WithOptions(ConfigOptions.JoinSummary)
            .WithArtifactsPath("artifacts/parts");
        string[] patterns = [.. arguments.Where(argument => argument != "--short")];
        var summaries = BenchmarkSwitcher.FromTypes([typeof(AdmissionParts), typeof(SelectionParts), typeof(TelemetryParts)])
            .Run(["--filter", .. patterns.Length == 0 ? ["*"] : patterns], config);
        return summaries.Any() && summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success)) ? 0 : 1;
    }
}
