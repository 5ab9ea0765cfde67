using System.Buffers;
using System.Threading.Channels;

namespace ResilientProxy.Telemetry;

/// <summary>One line a request, formatted and written by a thread of its own: a slow disk or a stalled pipe costs lines, never requests.</summary>
/// <remarks>
/// The thread is not one of the pool's, because a write to a pipe nobody reads blocks it for as long as that lasts. Under load it looks
/// at the queue every few milliseconds and is not woken for each line.
/// </remarks>
internal sealed partial class AccessLog : IAsyncDisposable
{
    /// <summary>Lines that may wait to be written; beyond, lines are dropped and counted.</summary>
    public const int QueueLength = 8192;

    /// <summary>Characters of a path that are logged: what waits in the queue is bounded in bytes too.</summary>
    public const int MaxPathLength = 2048;

    /// <summary>Characters of a method that are logged; a client may invent any.</summary>
    public const int MaxMethodLength = 32;

    private const int BatchBytes = 64 * 1024;
    private static readonly TimeSpan FlushBound = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromMinutes(1);

    private readonly AccessLogOptions _options;
    private readonly IAccessLogFormatter _formatter;
    private readonly IAccessLogSink? _sink;
    private readonly Counter _dropped;
    private readonly TimeProvider _time;
    private readonly ILogger<AccessLog> _logger;
    private readonly Random _random;
    private readonly Channel<AccessLogEntry> _lines;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _writing;

    /// <param name="options">Format and sampling; where the lines go is <paramref name="sink"/>'s matter.</param>
    /// <param name="sink">Takes the lines, and is disposed with the log; null for a log that is off.</param>
    /// <param name="dropped">Counts lines that were not written.</param>
    /// <param name="time">For the pauses of the writing thread.</param>
    /// <param name="logger">Told when lines cannot be written, and when they can again.</param>
    /// <param name="random">For the sampling; thread-safe unless <see cref="Wants"/> is called by one thread only.</param>
    public AccessLog(AccessLogOptions options, IAccessLogSink? sink, Counter dropped, TimeProvider time, ILogger<AccessLog> logger, Random? random = null)
    {
        _options = options;
        Headers = new AccessLogHeaders(options.Headers);
        _formatter = options.Format is AccessLogFormat.Text ? new AccessLogTextFormatter() : new AccessLogJsonFormatter();
        _sink = sink;
        _dropped = dropped;
        _time = time;
        _logger = logger;
        _random = random ?? Random.Shared;
        _lines = Channel.CreateBounded<AccessLogEntry>(new BoundedChannelOptions(QueueLength));
        _writing = sink is null
            ? Task.CompletedTask
            : Task.Factory.StartNew(() => WriteLines(sink), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Which headers of a request its line shows.</summary>
    public AccessLogHeaders Headers { get; }

    /// <summary>How long the writing thread lets lines gather before it looks again; zero in tests that turn the clock by hand.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The log as the config says it: off, to <paramref name="standardOutput"/>, or to a file.</summary>
    public static AccessLog Create(AccessLogOptions options, Stream standardOutput, Counter dropped, TimeProvider time, ILogger<AccessLog> logger) =>
        new(
            options,
            options.Path switch
            {
                "off" => null,
                "stdout" => new StreamSink(standardOutput),
                var path => new RollingFileSink(path),
            },
            dropped,
            time,
            logger);

    /// <summary>Whether a request with this outcome gets a line. Ask before making an entry: when the log is off, that is all it costs.</summary>
    public bool Wants(RequestOutcome outcome) =>
        _sink is not null
        && (outcome is not RequestOutcome.Success || _options.SuccessSampling >= 1 || _random.NextDouble() < _options.SuccessSampling);

    /// <summary>Queues one line, or drops and counts it when the queue is full; never waits.</summary>
    public void Write(in AccessLogEntry entry)
    {
        if (_sink is null)
        {
            return;
        }

        var fits = entry.Path.Length <= MaxPathLength && entry.Method.Length <= MaxMethodLength;
        if (!_lines.Writer.TryWrite(fits ? entry : entry with { Path = Cut(entry.Path, MaxPathLength), Method = Cut(entry.Method, MaxMethodLength) }))
        {
            _dropped.Increment();
        }
    }

    /// <summary>Writes what is queued, for at most two seconds; what is left then is dropped and counted.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_lines.Writer.TryComplete())
        {
            return; // disposed before
        }

        await _stopping.CancelAsync();
        try
        {
            await _writing.WaitAsync(FlushBound, _time);
            _stopping.Dispose();
        }
        catch (TimeoutException)
        {
            // The thread hangs in a write. It is a background thread, so it does not keep the process.
            // Taken away from it, so that no line is both counted as lost and written should the write come back.
            var lost = 0;
            while (_lines.Reader.TryRead(out _))
            {
                lost++;
            }

            _dropped.Add(lost);
            Log.FlushTimedOut(_logger, lost, FlushBound.TotalSeconds);
        }
    }

    private void WriteLines(IAccessLogSink sink)
    {
        using var owned = sink;
        var batch = new ArrayBufferWriter<byte>(BatchBytes);
        var backoff = TimeSpan.Zero;
        while (WaitForLines())
        {
            var count = FormatBatch(batch);
            if (TryWrite(sink, batch.WrittenSpan, count, failedBefore: backoff > TimeSpan.Zero))
            {
                backoff = TimeSpan.Zero;

                // A full batch means that more is waiting already.
                if (batch.WrittenCount < BatchBytes)
                {
                    Gather();
                }
            }
            else
            {
                // Meanwhile the queue takes what it can.
                backoff = backoff == TimeSpan.Zero ? FirstBackoff : TimeSpan.FromTicks(Math.Min(backoff.Ticks * 2, LongestBackoff.Ticks));
                Pause(backoff);
            }
        }
    }

    /// <summary>False once the log is disposed and its queue empty.</summary>
    private bool WaitForLines() => _lines.Reader.WaitToReadAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();

    private int FormatBatch(ArrayBufferWriter<byte> batch)
    {
        batch.ResetWrittenCount();
        var count = 0;
        while (batch.WrittenCount < BatchBytes && _lines.Reader.TryRead(out var entry))
        {
            _formatter.Write(batch, entry);
            count++;
        }

        return count;
    }

    private bool TryWrite(IAccessLogSink sink, ReadOnlySpan<byte> lines, int count, bool failedBefore)
    {
        try
        {
            sink.Write(lines);
        }
        catch (Exception exception)
        {
            // Of whatever kind: the one thread that writes must outlive it.
            // Part of them may have been written; to write them again could double lines, and memory has an end.
            _dropped.Add(count);
            if (!failedBefore)
            {
                Log.WriteFailed(_logger, _options.Path, exception);
            }

            return false;
        }

        if (failedBefore)
        {
            Log.WritesAgain(_logger, _options.Path);
        }

        return true;
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length] + "…";

    // By the thread's own sleep: a timer would wake a thread of the pool fifty times a second, only to wake this one.
    private void Gather()
    {
        if (Linger > TimeSpan.Zero)
        {
            _stopping.Token.WaitHandle.WaitOne(Linger);
        }
    }

    /// <summary>Returns early when the log is being disposed.</summary>
    private void Pause(TimeSpan duration)
    {
        if (!_stopping.IsCancellationRequested)
        {
            Task.WaitAny(Task.Delay(duration, _time, _stopping.Token));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The access log cannot be written to {Path}: its lines are dropped and counted until it can be again, which is tried every minute or sooner.")]
        public static partial void WriteFailed(ILogger logger, string path, Exception exception);

        [LoggerMessage(LogLevel.Information, "The access log is written to {Path} again.")]
        public static partial void WritesAgain(ILogger logger, string path);

        [LoggerMessage(LogLevel.Warning, "Gave up writing the access log after {Seconds} s: {Lines} lines are lost.")]
        public static partial void FlushTimedOut(ILogger logger, int lines, double seconds);
    }
}
