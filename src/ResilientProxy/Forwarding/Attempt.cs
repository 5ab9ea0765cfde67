using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;
using ResilientProxy.Telemetry;
using ResilientProxy.Timeouts;

namespace ResilientProxy.Forwarding;

/// <summary>What ended an attempt from our side.</summary>
internal enum AttemptEnd
{
    /// <summary>Nothing of ours did.</summary>
    None,

    /// <summary>The <c>Attempt</c> timer.</summary>
    AttemptTimeout,

    /// <summary>The <c>Total</c> timer.</summary>
    TotalTimeout,

    /// <summary>The <c>Idle</c> timer, once the response had begun.</summary>
    IdleTimeout,

    /// <summary>The client left.</summary>
    ClientLeft,

    /// <summary>The exchange is over or another attempt won.</summary>
    Abandoned,

    /// <summary>The process goes away, and what the attempt carries has no end of its own.</summary>
    Draining,
}

/// <summary>One try at one destination, from its first byte to the end of its response; cancelled by its timer, by the client or by its owner.</summary>
internal sealed class Attempt : SweepTimer, IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TimerSweep _sweep;
    private readonly CancellationTokenRegistration _clientLeft;
    private volatile AttemptEnd _whenDue;
    private int _end;
    private long _idleTicks;
    private readonly CircuitBreaker? _circuit;
    private readonly CircuitPass _pass;
    private int _ended;
    private int _concluded;
    private int _circuitTold;

    /// <summary>Begins the attempt and its timer.</summary>
    /// <param name="choice">Where it goes; its place there is given back when the attempt ends.</param>
    /// <param name="cluster">The destination's cluster.</param>
    /// <param name="sweep">What watches the timers.</param>
    /// <param name="attemptTimeout">The longest wait for the response's headers; infinite for none.</param>
    /// <param name="totalDue">When the whole exchange must have its response's headers, on the sweep's clock.</param>
    /// <param name="clientLeft">Cancelled when the client goes away.</param>
    public Attempt(Choice choice, ProxyCluster cluster, TimerSweep sweep, TimeSpan attemptTimeout, long totalDue, CancellationToken clientLeft)
    {
        Destination = choice.Destination!;
        Cluster = cluster;
        _circuit = choice.Circuit;
        _pass = choice.Pass;
        _sweep = sweep;
        Started = sweep.Time.GetTimestamp();
        var attemptDue = sweep.DueAfter(Started, attemptTimeout);
        _whenDue = attemptDue <= totalDue ? AttemptEnd.AttemptTimeout : AttemptEnd.TotalTimeout;
        SetDue(Math.Min(attemptDue, totalDue));
        sweep.Add(this);
        _clientLeft = clientLeft.UnsafeRegister(static attempt => ((Attempt)attempt!).Cancel(AttemptEnd.ClientLeft), this);
    }

    /// <summary>Where it goes.</summary>
    public ProxyDestination Destination { get; }

    /// <summary>The destination's cluster.</summary>
    public ProxyCluster Cluster { get; }

    /// <summary>Whether it went out beside another one that was slow.</summary>
    public bool IsHedge { get; init; }

    /// <summary>When it began, on the sweep's clock.</summary>
    public long Started { get; }

    /// <summary>What it sends.</summary>
    public HttpRequestMessage? Request { get; set; }

    /// <summary>The request's body as this attempt sends it.</summary>
    public ForwardedContent? Content { get; set; }

    /// <summary>The response, once its headers have arrived.</summary>
    public HttpResponseMessage? Response { get; set; }

    /// <summary>How long its answer may last.</summary>
    public LifeSpan Life { get; set; }

    /// <summary>The client's end of the WebSocket it has become; null where it is none.</summary>
    public ClientWebSocketStream? WebSocket { get; set; }

    /// <summary>Its client span; nothing where nobody listens.</summary>
    public AttemptSpan Span { get; set; }

    /// <summary>Cancelled when the attempt has to end.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>What ended it from our side; the first cause stays.</summary>
    public AttemptEnd End => (AttemptEnd)Volatile.Read(ref _end);

    /// <summary>How long it has taken so far.</summary>
    public TimeSpan Elapsed => _sweep.Time.GetElapsedTime(Started);

    /// <summary>The destination has answered. For a circuit that waits for its probe that is the answer: a stream may last for hours.</summary>
    /// <param name="verdict">What the response's head says.</param>
    public void Answered(AttemptVerdict verdict)
    {
        if (_pass.IsProbe)
        {
            TellCircuit(verdict);
        }
    }

    /// <summary>Its outcome is known. The first outcome counts.</summary>
    /// <param name="verdict">What it says about the destination.</param>
    /// <returns>Whether this was the first one.</returns>
    public bool TryConclude(AttemptVerdict verdict)
    {
        if (Interlocked.Exchange(ref _concluded, 1) == 1)
        {
            return false;
        }

        TellCircuit(verdict);
        return true;
    }

    /// <summary>The client's body has one reader: nothing goes on reading it once this has completed.</summary>
    public async ValueTask StopBodyAsync()
    {
        if (Content is { InProgress: true } content)
        {
            Cancel(AttemptEnd.Abandoned);
            await content.Finished;
        }
    }

    /// <summary>The response has begun: from now on silence is what ends it.</summary>
    /// <param name="idle">The longest silence; infinite for any.</param>
    public void WatchIdle(TimeSpan idle)
    {
        _idleTicks = idle == Timeout.InfiniteTimeSpan ? 0 : _sweep.DueAfter(0, idle);
        _whenDue = AttemptEnd.IdleTimeout;
        Touch();
    }

    /// <summary>A byte moved.</summary>
    public void Touch() => SetDue(_idleTicks == 0 ? Never : _sweep.Time.GetTimestamp() + _idleTicks);

    /// <summary>A byte of the request moved: that counts once silence is what ends the attempt, and never puts the other timers off.</summary>
    public void MovedIfIdleWatched()
    {
        if (_whenDue == AttemptEnd.IdleTimeout)
        {
            Touch();
        }
    }

    /// <summary>Ends the attempt; a second call does nothing.</summary>
    /// <param name="end">Why.</param>
    public void Cancel(AttemptEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, (int)end, (int)AttemptEnd.None) == (int)AttemptEnd.None && Volatile.Read(ref _ended) == 0)
        {
            try
            {
                _cancellation.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The attempt ended in this very moment: there is nothing left to cancel.
            }
        }
    }

    /// <summary>Ends its span; a second call does nothing.</summary>
    /// <param name="outcome">"success", or the reason word.</param>
    /// <param name="isFailure">Whether the destination failed.</param>
    public void EndSpan(string outcome, bool isFailure) =>
        Span.End(outcome, isFailure, Request?.RequestUri, Response is { } response ? (int)response.StatusCode : null);

    /// <summary>Ends what is left of it: stops its timer, disposes its response and gives its place at the destination back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 1)
        {
            return;
        }

        TimerSweep.Remove(this);
        _clientLeft.Dispose();
        EndSpan(Words.Abandoned, isFailure: false); // where nobody said how it ended
        Response?.Dispose();
        Request?.Dispose();
        _cancellation.Dispose();
        if (TryConclude(AttemptVerdict.Nothing))
        {
            Destination.Metrics.AttemptEnded(Words.Abandoned, Elapsed); // something of ours failed: the counts stay true
        }

        Destination.End();
    }

    private void TellCircuit(AttemptVerdict verdict)
    {
        if (_circuit is not null && Interlocked.Exchange(ref _circuitTold, 1) == 0)
        {
            _circuit.Record(_pass, verdict);
        }
    }

    /// <inheritdoc/>
    protected override void OnDue() => Cancel(_whenDue);
}
