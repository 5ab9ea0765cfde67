using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ResilientProxy.Http1;

namespace ResilientProxy.Telemetry;

/// <summary>Traces and metrics by OTLP to wherever OpenTelemetry's standard environment variables say, by OpenTelemetry's own SDK.</summary>
/// <remarks>Where they say nothing there is no SDK, no listener, and no cost.</remarks>
internal sealed partial class OtlpExport : IAsyncDisposable
{
    private const string DefaultServiceName = "resilient-proxy";

    /// <summary>How long the end waits for a collector to take what is left.</summary>
    private static readonly TimeSpan FlushBound = TimeSpan.FromSeconds(3);

    // What costs each request a list of tags for what our own metrics say already; see RuntimeMetrics.
    private static readonly string[] Dropped = ["http.client.request.duration", "http.client.active_requests"];

    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;
    private readonly OtlpTroubles? _troubles;

    private OtlpExport(TracerProvider? traces, MeterProvider? metrics, OtlpTroubles? troubles)
    {
        _traces = traces;
        _metrics = metrics;
        _troubles = troubles;
    }

    /// <summary>Starts the export of what the variables ask for.</summary>
    /// <param name="environment">The environment variables.</param>
    /// <param name="meter">The proxy's own meter; those of other proxies in this process are not exported.</param>
    /// <param name="time">For how often troubles are told.</param>
    /// <param name="logger">Told where it goes, and when it does not arrive.</param>
    public static OtlpExport Start(
        IReadOnlyList<KeyValuePair<string, string>> environment, Meter meter, TimeProvider time, ILogger<OtlpExport> logger)
    {
        OtlpSettings? traces;
        OtlpSettings? metrics;
        try
        {
            traces = OtlpSettings.Of("TRACES", environment);
            metrics = OtlpSettings.Of("METRICS", environment);
        }
        catch (FormatException error)
        {
            // A proxy that does not start because of its telemetry would be the wrong way round.
            Log.NotStarted(logger, error.Message);
            return new(null, null, null);
        }

        if (traces is null && metrics is null)
        {
            return new(null, null, null);
        }

        var troubles = new OtlpTroubles(time, logger);
        Log.Started(logger, traces is null ? "metrics" : metrics is null ? "traces" : "traces and metrics");
        return new(traces is null ? null : Traces(traces), metrics is null ? null : Metrics(metrics, meter), troubles);
    }

    /// <summary>Sends what is left, for at most a few seconds, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        // The SDK waits on the calling thread: both at once, on threads of their own.
        var bound = (int)FlushBound.TotalMilliseconds;
        await Task.WhenAll(
            Task.Factory.StartNew(() => _traces?.Shutdown(bound), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
            Task.Factory.StartNew(() => _metrics?.Shutdown(bound), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        _traces?.Dispose();
        _metrics?.Dispose();
        _troubles?.Dispose();
    }

    private static TracerProvider Traces(OtlpSettings settings) => Sdk.CreateTracerProviderBuilder()
        .ConfigureServices(services => services.AddSingleton(settings.Variables))
        .SetResourceBuilder(Resource())
        .AddSource(ProxyActivity.SourceName)
        .AddOtlpExporter(exporter => Send(exporter, settings))
        .Build();

    private static MeterProvider Metrics(OtlpSettings settings, Meter meter) => Sdk.CreateMeterProviderBuilder()
        .ConfigureServices(services => services.AddSingleton(settings.Variables))
        .SetResourceBuilder(Resource())
        .AddMeter(meter.Name, "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", Http1Metrics.MeterName)
        .AddView(instrument =>
            instrument.Meter.Name == meter.Name
                ? ReferenceEquals(instrument.Meter, meter) ? new MetricStreamConfiguration { CardinalityLimit = MetricRegistry.DefaultMaxSeries } : MetricStreamConfiguration.Drop
                : Dropped.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null)
        .AddOtlpExporter(exporter => Send(exporter, settings))
        .Build();

    private static void Send(OtlpExporterOptions exporter, OtlpSettings settings)
    {
        if (settings.Endpoint is { } endpoint)
        {
            exporter.Endpoint = endpoint;
        }
    }

    // The variables come last, so that they win over what we would call ourselves.
    private static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty()
        .AddService(DefaultServiceName, serviceVersion: typeof(OtlpExport).Assembly.GetName().Version?.ToString(3))
        .AddTelemetrySdk()
        .AddEnvironmentVariableDetector();

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Exporting {Signals} by OTLP, as the OTEL_ environment variables say.")]
        public static partial void Started(ILogger logger, string signals);

        [LoggerMessage(LogLevel.Error, "Nothing is exported by OTLP: {Reason}.")]
        public static partial void NotStarted(ILogger logger, string reason);
    }
}
