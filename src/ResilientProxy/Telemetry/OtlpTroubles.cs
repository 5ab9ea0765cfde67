using System.Diagnostics.Tracing;
using System.Globalization;

namespace ResilientProxy.Telemetry;

/// <summary>Passes on what the OpenTelemetry SDK says when its export fails; by itself it tells nobody.</summary>
/// <param name="time">The clock.</param>
/// <param name="logger">Takes at most one line a minute: a collector that is away fails every few seconds.</param>
internal sealed partial class OtlpTroubles(TimeProvider time, ILogger logger) : EventListener
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private long _last;

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name.StartsWith("OpenTelemetry-Exporter", StringComparison.Ordinal))
        {
            EnableEvents(eventSource, EventLevel.Warning);
        }
        else if (eventSource.Name.StartsWith("OpenTelemetry", StringComparison.Ordinal))
        {
            EnableEvents(eventSource, EventLevel.Error); // the SDK itself warns of every instrument that is left out on purpose
        }
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        var last = Volatile.Read(ref _last);
        var now = time.GetTimestamp();
        if ((last != 0 && time.GetElapsedTime(last, now) < Pause) || Interlocked.CompareExchange(ref _last, now, last) != last)
        {
            return;
        }

        var values = eventData.Payload?.Select(value => (object?)Convert.ToString(value, CultureInfo.InvariantCulture)).ToArray() ?? [];
        Log.Trouble(logger, string.Format(CultureInfo.InvariantCulture, eventData.Message ?? eventData.EventName ?? "", values));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The export by OTLP has trouble: {Message}")]
        public static partial void Trouble(ILogger logger, string message);
    }
}
