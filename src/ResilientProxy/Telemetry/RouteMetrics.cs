namespace ResilientProxy.Telemetry;

/// <summary>What happens to the requests of one route. Thread-safe; no verb waits for anything.</summary>
internal sealed class RouteMetrics
{
    /// <summary>Label values for the class of a status, by its first digit; a request may end without any.</summary>
    private static readonly string[] Codes = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

    private readonly ProxyMetrics _metrics;
    private readonly string _route;
    private readonly string _cluster;
    private readonly HandleLifetime _lifetime = new();

    // By code and outcome. Filled when a combination first comes up: all 36 would be exported for each route, and 30 never happen.
    private readonly Counter?[] _requests = new Counter?[Codes.Length * RequestOutcomes.Count];
    private readonly Counter[] _timeouts;
    private readonly UpDownCounter _inFlight;
    private readonly DurationInstrument _duration;
    private readonly DurationInstrument _timeToFirstByte;
    private readonly Counter _fromClient;
    private readonly Counter _toClient;
    private readonly Counter _fromUpstream;
    private readonly Counter _toUpstream;
    private readonly CounterSet _retries;
    private readonly CounterSet _retriesStopped;
    private readonly CounterSet _rescued;
    private readonly CounterSet _hedges;
    private readonly Counter _fallbacks;
    private Counter? _rateLimiterRejected;

    public RouteMetrics(ProxyMetrics metrics, string route, string cluster)
    {
        _metrics = metrics;
        _route = route;
        _cluster = cluster;

        var labels = new LabelSet(["route"], [route]);
        _inFlight = metrics.RequestsInFlight.With(route);
        _duration = new DurationInstrument(metrics.RequestDuration.With(route), metrics.RequestDurationInstrument, labels, metrics.Time);
        _timeToFirstByte = new DurationInstrument(metrics.TimeToFirstByte.With(route), metrics.TimeToFirstByteInstrument, labels, metrics.Time);
        _timeouts = [.. Enum.GetValues<TimeoutKind>().Select(kind => metrics.Timeouts.With(route, Word(kind)))];
        _fromClient = metrics.ClientBytes.With(route, "in");
        _toClient = metrics.ClientBytes.With(route, "out");
        _fromUpstream = metrics.UpstreamBytes.With(route, "in");
        _toUpstream = metrics.UpstreamBytes.With(route, "out");
        _retries = new CounterSet(metrics.Retries, _lifetime, route);
        _retriesStopped = new CounterSet(metrics.RetriesStopped, _lifetime, route);
        _rescued = new CounterSet(metrics.Rescued, _lifetime, route);
        _hedges = new CounterSet(metrics.Hedges, _lifetime, route);
        _fallbacks = metrics.Fallbacks.With(route);

        // So that a route that has seen no request yet shows as 0 and the first one as an increase.
        Requests(statusCode: 200, RequestOutcome.Success);
    }

    /// <summary>Requests whose response has not ended yet.</summary>
    public long InFlight => _inFlight.Value;

    /// <summary>Times from arrival to the end of the response, since the route is in the config.</summary>
    public Histogram Durations => _duration.Histogram;

    /// <summary>Times from arrival to the first byte of the response.</summary>
    public Histogram TimesToFirstByte => _timeToFirstByte.Histogram;

    /// <summary>Further attempts, by what had failed.</summary>
    public IReadOnlyDictionary<string, long> RetriesByReason => _retries.Read();

    /// <summary>Failed attempts that no other one followed, by why not.</summary>
    public IReadOnlyDictionary<string, long> RetriesStoppedByReason => _retriesStopped.Read();

    /// <summary>Requests that ended well although an attempt had failed, by what rescued them.</summary>
    public IReadOnlyDictionary<string, long> RescuedBy => _rescued.Read();

    /// <summary>Hedges, by whether their answer was the one that counted.</summary>
    public IReadOnlyDictionary<string, long> HedgesByOutcome => _hedges.Read();

    /// <summary>Timers that ran out, by kind; every kind is in it.</summary>
    public IReadOnlyDictionary<string, long> TimeoutsByKind => Enum.GetValues<TimeoutKind>().ToDictionary(Word, kind => _timeouts[(int)kind].Value);

    /// <summary>How many requests ended so, whatever their status.</summary>
    /// <param name="outcome">How.</param>
    public long Ended(RequestOutcome outcome)
    {
        long sum = 0;
        for (var code = 0; code < Codes.Length; code++)
        {
            sum += Volatile.Read(ref _requests[(code * RequestOutcomes.Count) + (int)outcome])?.Value ?? 0;
        }

        return sum;
    }

    /// <summary>A request arrived. Each must be followed by one <see cref="RequestEnded"/>.</summary>
    public void RequestStarted() => _inFlight.Increment();

    /// <summary>The response ended, well or not, the whole <paramref name="duration"/> after the request arrived.</summary>
    /// <param name="statusCode">What the client was told; 0 where nothing was, 499 by custom where it left first.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="duration">Time since <see cref="RequestStarted"/>.</param>
    /// <param name="traceId">Its trace, to show with the duration; null for none.</param>
    public void RequestEnded(int statusCode, RequestOutcome outcome, TimeSpan duration, string? traceId = null)
    {
        _inFlight.Decrement();
        Requests(statusCode, outcome).Increment();
        _duration.Record(duration, traceId);
    }

    /// <summary>The first byte of the response went to the client, this long after the request arrived.</summary>
    /// <param name="sinceArrival">Time since the request's arrival.</param>
    /// <param name="traceId">Its trace, to show with the time; null for none.</param>
    public void FirstByte(TimeSpan sinceArrival, string? traceId = null) => _timeToFirstByte.Record(sinceArrival, traceId);

    /// <summary>A further attempt is made because one failed.</summary>
    /// <param name="reason">What failed: one of a closed list, never text from outside.</param>
    public void Retried(string reason) => _retries[reason].Increment();

    /// <summary>No further attempt is made although one failed.</summary>
    /// <param name="reason">Why not: one of a closed list.</param>
    public void RetryStopped(string reason) => _retriesStopped[reason].Increment();

    /// <summary>A request ended well although an attempt had failed.</summary>
    /// <param name="by">What rescued it: one of a closed list.</param>
    public void Rescued(string by) => _rescued[by].Increment();

    /// <summary>A hedge is over: its answer was the one that counted, or not.</summary>
    public void Hedged(bool won) => _hedges[won ? "won" : "lost"].Increment();

    /// <summary>The route's fallback answered a request.</summary>
    public void FellBack() => _fallbacks.Increment();

    /// <summary>The route has a rate limiter: from now on its refusals are shown, 0 before the first one.</summary>
    public void ShowRateLimiter() => RateLimiterRejected();

    /// <summary>A request was refused because its client had used up its rate limit.</summary>
    public void RateLimited() => RateLimiterRejected().Increment();

    /// <summary>A timer ran out.</summary>
    public void TimedOut(TimeoutKind kind) => _timeouts[(int)kind].Increment();

    public void BytesFromClient(long count) => _fromClient.Add(count);

    public void BytesToClient(long count) => _toClient.Add(count);

    public void BytesFromUpstream(long count) => _fromUpstream.Add(count);

    public void BytesToUpstream(long count) => _toUpstream.Add(count);

    /// <summary>The route has left the config: from now on this handle makes no new series.</summary>
    internal void End() => _lifetime.End();

    // Two threads may both come here first; the family gives both the same counter.
    private Counter RateLimiterRejected() => _rateLimiterRejected ??= _metrics.RateLimiterRejected.With(_lifetime, _route);

    private Counter Requests(int statusCode, RequestOutcome outcome)
    {
        var code = statusCode is >= 100 and < 600 ? statusCode / 100 : 0;
        ref var counter = ref _requests[(code * RequestOutcomes.Count) + (int)outcome];

        // Two threads may both come here first; the family gives both the same counter.
        return Volatile.Read(ref counter) ?? Resolve(ref counter, Codes[code], outcome.Word());
    }

    private Counter Resolve(ref Counter? counter, string code, string outcome)
    {
        var resolved = _metrics.Requests.With(_lifetime, _route, _cluster, code, outcome);
        Volatile.Write(ref counter, resolved);
        return resolved;
    }

    private static string Word(TimeoutKind kind) => kind switch
    {
        TimeoutKind.Connect => "connect",
        TimeoutKind.Attempt => "attempt",
        TimeoutKind.Total => "total",
        TimeoutKind.Idle => "idle",
        TimeoutKind.Queue => "queue",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, message: null),
    };
}
