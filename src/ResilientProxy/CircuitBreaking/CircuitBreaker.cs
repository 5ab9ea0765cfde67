using ResilientProxy.Errors;
using ResilientProxy.Values;

namespace ResilientProxy.CircuitBreaking;

/// <summary>Keeps attempts away from a destination that fails, and lets one probe at a time find out when it works again.</summary>
/// <remarks>
/// Three things that are easily got wrong. An outcome counts only in the generation its pass was given in: a success that comes late does not
/// close the circuit, and a failure that comes late does not open it. A probe that says nothing, because its client left, gives its place to
/// the next one. And nothing here runs on a timer: the end of a break or of an operator's word is seen by whoever looks next.
/// Where no sibling is left to take the traffic, the group lends probes before the break is over; they close the circuit or change nothing.
/// A closed circuit takes no lock and allocates nothing for a success; everything else goes under one short lock.
/// </remarks>
internal sealed class CircuitBreaker
{
    /// <summary>What <see cref="NextProbeIn"/> says while a probe is under way: nobody knows how long that takes.</summary>
    public static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(1);

    // Between early probes of a group: a tenth of the break, and seldom enough to be no load.
    private static readonly TimeSpan ShortestEarlyProbeInterval = TimeSpan.FromMilliseconds(500);

    // The longest ttl that is counted; beyond it the arithmetic of timestamps ends, and nobody waits for it.
    private static readonly TimeSpan LongestTtl = TimeSpan.FromDays(3650);

    private readonly Lock _lock = new();
    private readonly CircuitGroup _group;
    private readonly TimeProvider _time;
    private readonly BreakLength _break;
    private readonly RollingCounts _window;
    private readonly TransitionQueue? _transitions;
    private volatile Standing _standing;
    private volatile int _consecutiveFailures;

    /// <summary>Creates a closed circuit. It is not in the group until it is added to it.</summary>
    /// <param name="options">When it opens and for how long.</param>
    /// <param name="group">Who must agree before it opens by ratio.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Told of every transition, once and in order, outside of the lock; by one thread at a time.</param>
    /// <param name="random">From 0 up to 1, for the jitter; null for the runtime's own.</param>
    public CircuitBreaker(
        CircuitBreakerOptions options, CircuitGroup group, TimeProvider time, Action<CircuitBreaker, CircuitTransition>? changed, Func<double>? random = null)
    {
        Options = options;
        _group = group;
        _time = time;
        _break = new BreakLength(options, random ?? Random.Shared.NextDouble);
        _window = new RollingCounts(options.SamplingDuration, time);
        _transitions = changed is null ? null : new TransitionQueue(transition => changed(this, transition));

        // From 1 on: the default pass belongs to no generation.
        _standing = new Standing { State = CircuitState.Closed, Generation = 1, Since = time.GetTimestamp(), SinceTime = time.GetUtcNow() };
    }

    /// <summary>What the circuit was made with: a reload that has equal ones keeps it.</summary>
    public CircuitBreakerOptions Options { get; }

    /// <summary>What keeps ratios from opening too many circuits of a cluster.</summary>
    public CircuitGroup Group => _group;

    /// <summary>What the circuit does with attempts at this moment. An open one whose break is over is open until its probe begins.</summary>
    public CircuitState State
    {
        get
        {
            var standing = _standing;
            return IsolationIsOver(standing) ? CircuitState.Closed : standing.State;
        }
    }

    /// <summary>Whether <see cref="TryEnter"/> would give a pass now. A look that changes nothing.</summary>
    public bool IsAvailable
    {
        get
        {
            var standing = _standing;
            return standing.State switch
            {
                CircuitState.Closed => true,
                CircuitState.HalfOpen => !standing.Probing,
                _ => !standing.Probing && HasEnded(standing), // the break, or the isolation
            };
        }
    }

    /// <summary>
    /// Time until an attempt may pass; zero where one may now. <see cref="ProbeWait"/> while a probe is under way, and
    /// <c>MaxBreakDuration</c> where only an operator can end it.
    /// </summary>
    public TimeSpan NextProbeIn
    {
        get
        {
            var standing = _standing;
            return standing.State switch
            {
                CircuitState.Closed => TimeSpan.Zero,
                CircuitState.HalfOpen => standing.Probing ? ProbeWait : TimeSpan.Zero,
                _ when standing.Until == Standing.Never => Options.MaxBreakDuration,
                _ when standing.Probing && HasEnded(standing) => ProbeWait,
                _ => Left(standing.Until),
            };
        }
    }

    /// <summary>Asks for leave to make one attempt.</summary>
    /// <param name="pass">Goes to <see cref="Record"/> with the attempt's verdict, exactly once and whatever becomes of it: a probe's place is held until then.</param>
    /// <returns>False where the destination must be left alone; there is nothing to record then.</returns>
    public bool TryEnter(out CircuitPass pass)
    {
        var standing = _standing;
        if (standing.State == CircuitState.Closed)
        {
            pass = new(standing.Generation, IsProbe: false);
            return true;
        }

        if (!IsAvailable)
        {
            pass = default;
            return false;
        }

        bool entered;
        lock (_lock)
        {
            EndIsolation_NeedsLock();
            entered = TryEnter_NeedsLock(out pass);
        }

        Tell();
        return entered;
    }

    /// <summary>Asks for leave to probe an open circuit before its break is over. It stays open meanwhile, and its break ends when it would have.</summary>
    /// <param name="pass">As of <see cref="TryEnter"/>. A success closes the circuit; a failure changes nothing.</param>
    /// <returns>False where it is not open, or a probe is under way.</returns>
    public bool TryProbeEarly(out CircuitPass pass)
    {
        lock (_lock)
        {
            pass = default;
            if (_standing is not { State: CircuitState.Open, Probing: false })
            {
                return false;
            }

            _standing = _standing with { Probing = true };
            pass = new(_standing.Generation, IsProbe: true);
            return true;
        }
    }

    /// <summary>Takes the group's turn to probe early, where one is due: every circuit of the group is open, and none was probed for a while.</summary>
    /// <param name="turn">Another number each time: whose turn it is.</param>
    /// <param name="wait">Time until the next turn; <see cref="TimeSpan.MaxValue"/> where there will be none.</param>
    public bool TryTakeEarlyTurn(out int turn, out TimeSpan wait)
    {
        turn = 0;
        wait = TimeSpan.MaxValue;
        if (_group.EarlyProbeDue is not { } due)
        {
            return false;
        }

        wait = Left(due);
        if (wait > TimeSpan.Zero || !_group.TryTakeEarlyProbe(due, After(EarlyProbeInterval), out turn))
        {
            return false;
        }

        wait = EarlyProbeInterval;
        return true;
    }

    /// <summary>Ends a break: the next attempt is the probe. Any other state stays as it is.</summary>
    public void EndBreak()
    {
        lock (_lock)
        {
            if (_standing.State == CircuitState.Open)
            {
                _standing = _standing with { Until = _time.GetTimestamp() };
            }
        }
    }

    /// <summary>An attempt has ended.</summary>
    /// <param name="pass">What <see cref="TryEnter"/> gave.</param>
    /// <param name="verdict">What the attempt says about the destination; <see cref="AttemptVerdict.Nothing"/> neither closes nor opens.</param>
    public void Record(CircuitPass pass, AttemptVerdict verdict)
    {
        var standing = _standing;
        if (standing.Generation != pass.Generation)
        {
            return;
        }

        if (standing.State == CircuitState.Closed)
        {
            if (verdict == AttemptVerdict.Nothing)
            {
                return;
            }

            if (verdict == AttemptVerdict.Success && _consecutiveFailures == 0)
            {
                _window.CountPlain();
                return;
            }
        }

        var recovered = false;
        lock (_lock)
        {
            if (_standing.Generation == pass.Generation)
            {
                recovered = pass.IsProbe && verdict == AttemptVerdict.Success;
                Record_NeedsLock(verdict);
            }
        }

        if (recovered)
        {
            _group.Recovered(this);
        }

        Tell();
    }

    /// <summary>An operator takes the destination out. Attempts under way end as they will, and mean nothing.</summary>
    /// <param name="ttl">For how long, above zero; it is closed and starts afresh then. Null until <see cref="Close"/> or <see cref="Reset"/>.</param>
    public void Isolate(TimeSpan? ttl)
    {
        lock (_lock)
        {
            var (until, time) = End(ttl);
            Move_NeedsLock(CircuitState.Isolated, "operator", until, time);
        }

        Tell();
    }

    /// <summary>An operator closes the circuit.</summary>
    /// <param name="ttl">
    /// For how long, above zero, it stays closed whatever happens; failures go on to be counted, and the first one after it may open the circuit.
    /// Null to close it once: it goes on as ever, and opens again by the next rule that is met.
    /// </param>
    public void Close(TimeSpan? ttl)
    {
        lock (_lock)
        {
            var (until, time) = ttl is null ? (long.MinValue, null) : End(ttl);
            Close_NeedsLock("operator", until, time);
        }

        Tell();
    }

    /// <summary>Back to a fresh closed circuit: what an operator said, what was counted and how often it opened are forgotten.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            Refresh_NeedsLock("operator");
        }

        Tell();
    }

    /// <summary>The circuit at this moment.</summary>
    public CircuitSnapshot Snapshot()
    {
        CircuitSnapshot snapshot;
        lock (_lock)
        {
            EndIsolation_NeedsLock();
            var standing = _standing;
            var (successes, failures) = _window.Sum();
            var byOperator = standing.State switch
            {
                CircuitState.Isolated => true,
                CircuitState.Closed => !HasEnded(standing),
                _ => false,
            };
            snapshot = new(
                standing.State, standing.SinceTime, standing.Reason, failures, successes, _consecutiveFailures, NextProbeIn, _break.Last,
                byOperator, byOperator ? standing.OperatorUntil : null);
        }

        Tell();
        return snapshot;
    }

    private bool TryEnter_NeedsLock(out CircuitPass pass)
    {
        var standing = _standing;
        if (standing is { State: CircuitState.Open, Probing: false } && HasEnded(standing))
        {
            Move_NeedsLock(CircuitState.HalfOpen, "break is over", long.MinValue);
            standing = _standing;
        }

        switch (standing.State)
        {
            case CircuitState.Closed:
                pass = new(standing.Generation, IsProbe: false);
                return true;
            case CircuitState.HalfOpen when !standing.Probing:
                _standing = standing with { Probing = true };
                pass = new(standing.Generation, IsProbe: true);
                return true;
            default:
                pass = default;
                return false;
        }
    }

    // Only ever called with the pass of this generation: in half-open and open that is the probe's, and isolated gives none.
    private void Record_NeedsLock(AttemptVerdict verdict)
    {
        var isProbe = _standing.State != CircuitState.Closed;
        switch (verdict)
        {
            case AttemptVerdict.Nothing when isProbe:
                FreeProbe_NeedsLock();
                break;
            case AttemptVerdict.Success when isProbe:
                Close_NeedsLock("probe succeeded", long.MinValue);
                break;
            case AttemptVerdict.Failure when isProbe:
                Failed_NeedsLock();
                if (_standing.State == CircuitState.Open)
                {
                    FreeProbe_NeedsLock(); // an early one: the break goes on
                }
                else
                {
                    Open_NeedsLock("probe failed", again: true);
                }

                break;
            case AttemptVerdict.Success:
                _window.CountPlain();
                _consecutiveFailures = 0;
                break;
            case AttemptVerdict.Failure:
                Failed_NeedsLock();
                Judge_NeedsLock();
                break;
            default:
                break; // nothing was learned
        }
    }

    private void Failed_NeedsLock()
    {
        _window.CountMarked();
        _consecutiveFailures++;
    }

    // The next generation: whoever records twice must not free the next probe's place as well.
    private void FreeProbe_NeedsLock() => _standing = _standing with { Probing = false, Generation = _standing.Generation + 1 };

    private void Judge_NeedsLock()
    {
        if (!HasEnded(_standing))
        {
            return; // an operator holds it closed
        }

        var (successes, failures) = _window.Sum();
        var run = _consecutiveFailures;
        if (Options.ConsecutiveFailures > 0 && run >= Options.ConsecutiveFailures)
        {
            Open_NeedsLock($"{run} consecutive failures", FailsAgain_NeedsLock());
            return;
        }

        // A billionth less: 7 of 100 must reach a ratio of 0.07, whose hundredfold is a little above 7.
        var attempts = successes + failures;
        if (Options.FailureRatio > 0 && attempts >= Options.MinimumThroughput && failures >= (attempts * Options.FailureRatio) - 1e-9)
        {
            OpenByRatio_NeedsLock(failures, attempts);
        }
    }

    // By itself: its closure is then made only when it is needed. Where the group says no, the next failure asks again.
    private void OpenByRatio_NeedsLock(long failures, long attempts) => _group.TryEject(this, () => Open_NeedsLock(
        $"{100 * failures / attempts} % of {attempts} attempts failed in {Duration.Format(Options.SamplingDuration)}", FailsAgain_NeedsLock()));

    // A circuit that opens soon after it closed was closed by luck: the break goes on doubling. One that stayed closed for a sampling time,
    // and for as long as it had been open, begins anew.
    private bool FailsAgain_NeedsLock() =>
        _break.Last > TimeSpan.Zero
        && _time.GetElapsedTime(_standing.Since) < (_break.Last > Options.SamplingDuration ? _break.Last : Options.SamplingDuration);

    private void Open_NeedsLock(string reason, bool again)
    {
        Move_NeedsLock(CircuitState.Open, reason, After(_break.Next(again)));
        _group.Opened(After(EarlyProbeInterval));
    }

    private void Close_NeedsLock(string reason, long until, DateTimeOffset? operatorUntil = null)
    {
        if (_standing.State == CircuitState.Closed)
        {
            // Forced or let go while it is closed: what runs goes on to count.
            _standing = _standing with { Until = until, OperatorUntil = operatorUntil };
            return;
        }

        Forget_NeedsLock();
        Move_NeedsLock(CircuitState.Closed, reason, until, operatorUntil);
    }

    private void Refresh_NeedsLock(string reason)
    {
        _break.Forget();
        Forget_NeedsLock();
        Move_NeedsLock(CircuitState.Closed, reason, long.MinValue);
    }

    private void Forget_NeedsLock()
    {
        _window.Clear();
        _consecutiveFailures = 0;
    }

    private void EndIsolation_NeedsLock()
    {
        if (IsolationIsOver(_standing))
        {
            Refresh_NeedsLock("isolation is over");
        }
    }

    private void Move_NeedsLock(CircuitState to, string reason, long until, DateTimeOffset? operatorUntil = null)
    {
        var from = _standing;
        var moves = from.State != to;
        _standing = new Standing
        {
            State = to,
            Generation = from.Generation + 1,
            Since = moves ? _time.GetTimestamp() : from.Since,
            SinceTime = moves ? _time.GetUtcNow() : from.SinceTime,
            Reason = reason,
            Until = until,
            OperatorUntil = operatorUntil,
        };
        if (moves)
        {
            _transitions?.Add(new CircuitTransition(from.State, to, reason));
        }
    }

    private void Tell() => _transitions?.Tell();

    private TimeSpan EarlyProbeInterval =>
        Options.BreakDuration / 10 > ShortestEarlyProbeInterval ? Options.BreakDuration / 10 : ShortestEarlyProbeInterval;

    private bool IsolationIsOver(Standing standing) => standing.State == CircuitState.Isolated && HasEnded(standing);

    private bool HasEnded(Standing standing) =>
        standing.Until == long.MinValue || (standing.Until != Standing.Never && _time.GetTimestamp() >= standing.Until);

    private (long Until, DateTimeOffset? Time) End(TimeSpan? ttl)
    {
        if (ttl is not { } span)
        {
            return (Standing.Never, null);
        }

        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(span, TimeSpan.Zero, nameof(ttl));
        var bounded = span < LongestTtl ? span : LongestTtl;
        return (After(bounded), _time.GetUtcNow() + bounded);
    }

    private long After(TimeSpan span) => _time.GetTimestamp() + (long)(span.TotalSeconds * _time.TimestampFrequency);

    private TimeSpan Left(long until)
    {
        var left = _time.GetElapsedTime(_time.GetTimestamp(), until);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
