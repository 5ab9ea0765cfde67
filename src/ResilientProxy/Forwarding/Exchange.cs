using Microsoft.AspNetCore.Http.Features;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Forwarding;

/// <summary>One client request from its arrival to the end of its answer, and what is known of it.</summary>
internal sealed class Exchange
{
    private const int ClientClosedRequest = 499;

    // The first apart from the further ones: most requests have no further one.
    private AttemptRecord _first;
    private List<AttemptRecord>? _further;
    private List<Task>? _loose;

    /// <summary>Begins with the request's arrival.</summary>
    /// <param name="context">The request.</param>
    /// <param name="started">Its arrival, on the proxy's clock.</param>
    /// <param name="proxy">Who this proxy is.</param>
    public Exchange(HttpContext context, long started, ProxyIdentity proxy)
    {
        Proxy = proxy;
        Context = context;
        Started = started;
        Span = RequestSpan.Start(context.Request);
        Trace = Span.Activity is { } span ? TraceContext.Of(span) : TraceContext.From(context.Request.Headers.TraceParent);
    }

    /// <summary>The request and its response.</summary>
    public HttpContext Context { get; }

    /// <summary>Who this proxy is.</summary>
    public ProxyIdentity Proxy { get; }

    /// <summary>When it arrived, on the proxy's clock.</summary>
    public long Started { get; }

    /// <summary>The trace it belongs to.</summary>
    public TraceContext Trace { get; }

    /// <summary>Who sent it.</summary>
    public ClientAddress Client { get; init; }

    /// <summary>Its server span, and the verbs for what happens to it; nothing where nobody listens.</summary>
    public RequestSpan Span { get; }

    /// <summary>The route that matched; null where none did.</summary>
    public ProxyRoute? Route { get; set; }

    /// <summary>The request's body; null where it has none.</summary>
    public RequestBody? Body { get; set; }

    /// <summary>How many attempts at an upstream were begun.</summary>
    public int Attempts { get; set; }

    /// <summary>Why the proxy answered by itself or broke the answer off; null where an upstream's answer went through whole.</summary>
    public ProxyError? Error { get; private set; }

    /// <summary>When its answer must have begun; null before the forwarder has it.</summary>
    public ExchangeDeadline? Deadline { get; set; }

    /// <summary>The response header that tells the caller of every attempt; null for none.</summary>
    public string? TrailHeader { get; set; }

    /// <summary>Why no further attempt was made after a failed one; null where there was none to make.</summary>
    public string? Stopped { get; set; }

    /// <summary>How it ended.</summary>
    public RequestOutcome Outcome { get; set; } = RequestOutcome.Success;

    /// <summary>Whether it went well, and no attempt failed on the way there.</summary>
    public bool IsPlainSuccess => Outcome == RequestOutcome.Success
        && (_further is null || (!Words.IsFailure(_first.Outcome) && !_further.Exists(static attempt => Words.IsFailure(attempt.Outcome))));

    /// <summary>The reason word of the log: why it went wrong, finer than the error's own word; null where it went well.</summary>
    public string? Reason => Outcome == RequestOutcome.ClientClosed ? Words.ClientLeft : Error?.Reason;

    /// <summary>The status for the log and the metrics: 499, nginx's number, where the client did not wait for one.</summary>
    public int StatusForLog =>
        Outcome == RequestOutcome.ClientClosed && !Context.Response.HasStarted ? ClientClosedRequest : Context.Response.StatusCode;

    /// <summary>Bytes of the response's body sent to the client.</summary>
    public long BytesOut { get; set; }

    /// <summary>Whether the response's head has been handed to the server.</summary>
    public bool FirstByteSent { get; set; }

    /// <summary>Each attempt that has ended, in order.</summary>
    public IReadOnlyList<AttemptRecord> Trail => _first.Destination is null ? [] : _further is null ? [_first] : [_first, .. _further];

    /// <summary>The exchange of a request; every request that reaches the proxy's pipeline has one.</summary>
    /// <param name="context">The request.</param>
    public static Exchange Of(HttpContext context) => context.Features.GetRequiredFeature<Exchange>();

    /// <summary>What the last attempt said about its destination: what an adaptive limit learns from the request.</summary>
    public AttemptVerdict Verdict { get; private set; } = AttemptVerdict.Nothing;

    /// <summary>How long the last attempt took until its response's headers, or its failure.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>An attempt has ended. The first outcome of an attempt counts.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="outcome">"success", or the reason word.</param>
    /// <param name="verdict">What that says about the destination.</param>
    public void AttemptEnded(Attempt attempt, string outcome, AttemptVerdict verdict)
    {
        if (!attempt.TryConclude(verdict))
        {
            return;
        }

        Verdict = verdict;
        var elapsed = attempt.Elapsed;
        attempt.Destination.Metrics.AttemptEnded(outcome, elapsed, Trace.TraceId);
        attempt.EndSpan(outcome, isFailure: Words.IsFailure(outcome));
        var record = new AttemptRecord(attempt.Destination.Id, outcome, elapsed);
        if (_first.Destination is null)
        {
            _first = record;
        }
        else
        {
            (_further ??= new(1)).Add(record);
        }
    }

    /// <summary>Something of the exchange is still being cleared away: the exchange ends after it.</summary>
    /// <param name="task">What clears it away; never fails.</param>
    public void EndsAfter(Task task) => (_loose ??= new(1)).Add(task);

    /// <summary>Waits until everything is cleared away.</summary>
    public Task ClearedAsync() => _loose is null ? Task.CompletedTask : Task.WhenAll(_loose);

    /// <summary>An attempt is about to be sent: its client span begins, where somebody listens.</summary>
    /// <param name="attempt">The attempt.</param>
    public void StartSpan(Attempt attempt) => attempt.Span = Span.StartAttempt(
        Context.Request.Method, attempt.Destination.Address, attempt.Cluster.Id, attempt.Destination.Id, Attempts - 1);

    /// <summary>Writes the attempts into the response's header, where the config asks for one.</summary>
    /// <param name="current">The attempt whose answer follows; null where the answer is the proxy's own.</param>
    public void ShowTrail(Attempt? current = null)
    {
        if (TrailHeader is not { } header)
        {
            return;
        }

        var attempts = Trail.Select(attempt => Entry(attempt.Destination, attempt.Outcome, attempt.Duration));
        if (current?.Response is { } response)
        {
            attempts = attempts.Append(Entry(current.Destination.Id, Words.OfStatus((int)response.StatusCode), current.Elapsed));
        }

        if (Stopped is { } stopped)
        {
            attempts = attempts.Append($"stopped={stopped}");
        }

        Context.Response.Headers[header] = string.Join(", ", attempts);

        static string Entry(string destination, string outcome, TimeSpan duration) =>
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{destination};{outcome};{duration.TotalMilliseconds:0}ms");
    }

    /// <summary>The client went away before the answer was complete: there is nobody to answer, and nobody's fault.</summary>
    public void ClientLeft()
    {
        Outcome = RequestOutcome.ClientClosed;
        Context.Abort();
    }

    /// <summary>The exchange did not end as the upstream and the client wanted.</summary>
    /// <param name="error">Why.</param>
    /// <param name="outcome">How that is counted.</param>
    public void Failed(ProxyError? error, RequestOutcome outcome)
    {
        Error = error;
        Outcome = outcome;
    }

    /// <summary>Answers with an error of the proxy's own, or breaks a started response off.</summary>
    /// <param name="error">Why.</param>
    /// <param name="outcome">How that is counted.</param>
    /// <param name="retryAfterSeconds">The <c>Retry-After</c> to send, in seconds; 0 for none.</param>
    public Task AnswerAsync(ProxyError error, RequestOutcome outcome, int retryAfterSeconds = 0)
    {
        Failed(error, outcome);
        if (Context.Response.HasStarted)
        {
            ProxyErrorResponse.BreakOff(Context);
            return Task.CompletedTask;
        }

        Context.Response.Clear();
        ShowTrail();
        return ProxyErrorResponse.WriteAsync(Context, error, new(Route?.Id ?? "", Attempts, Trace.TraceId, HopStatus.ParameterOf(Stopped)), retryAfterSeconds);
    }
}
