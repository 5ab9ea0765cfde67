namespace ResilientProxy.CircuitBreaking;

/// <summary>The circuits of one cluster, so that a bad ratio never takes out more than half of its destinations, nor the last one.</summary>
/// <remarks>
/// When most of a cluster fails by ratio, the destinations are rarely the reason: what they all use is, or the requests are. Taking them out
/// would then turn some failures into failures only.
/// </remarks>
internal sealed class CircuitGroup
{
    private readonly Lock _lock = new();
    private readonly List<CircuitBreaker> _members = [];
    private readonly bool _unlimited;
    private long _earlyProbeDue;
    private int _rotation;

    private CircuitGroup(bool unlimited) => _unlimited = unlimited;

    /// <summary>An empty group.</summary>
    public CircuitGroup()
        : this(unlimited: false)
    {
    }

    /// <summary>For a circuit that stands for no single destination, such as a whole cluster's: its ratio always opens it.</summary>
    public static CircuitGroup Unlimited { get; } = new(unlimited: true);

    /// <summary>Circuits in the group.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _members.Count;
            }
        }
    }

    /// <summary>A destination came; one that is there already is not counted twice.</summary>
    public void Add(CircuitBreaker breaker)
    {
        lock (_lock)
        {
            if (!_unlimited && !_members.Contains(breaker))
            {
                _members.Add(breaker);
            }
        }
    }

    /// <summary>A destination left.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Remove(CircuitBreaker breaker)
    {
        lock (_lock)
        {
            return _members.Remove(breaker);
        }
    }

    /// <summary>Opens a circuit by ratio, if enough of the others are closed. Two that ask at the same time are answered one after the other.</summary>
    /// <param name="breaker">Who asks; one that is no member is judged as if it were one more.</param>
    /// <param name="open">Opens it. Runs under the group's lock and must not ask the group again.</param>
    /// <returns>Whether it was opened.</returns>
    public bool TryEject(CircuitBreaker breaker, Action open)
    {
        if (_unlimited)
        {
            open();
            return true;
        }

        lock (_lock)
        {
            var members = 1;
            var ejected = 1;
            foreach (var member in _members)
            {
                if (member != breaker)
                {
                    members++;
                    ejected += member.State == CircuitState.Closed ? 0 : 1;
                }
            }

            // Half, rounded down, is never all: one stays closed.
            if (ejected > members / 2)
            {
                return false;
            }

            open();
            return true;
        }
    }

    /// <summary>A circuit opened.</summary>
    /// <param name="earlyProbeDue">The timestamp from which on a probe may be early, should no circuit be closed by then.</param>
    public void Opened(long earlyProbeDue) => Interlocked.Exchange(ref _earlyProbeDue, earlyProbeDue);

    /// <summary>
    /// A probe succeeded. Where every other circuit was open as well, what they shared had failed, and works again: the others find out at once and
    /// do not leave one destination alone with all the traffic for the rest of their breaks.
    /// </summary>
    /// <param name="breaker">The one that closed.</param>
    public void Recovered(CircuitBreaker breaker)
    {
        CircuitBreaker[] others;
        lock (_lock)
        {
            others = [.. _members.Where(member => member != breaker)];
        }

        if (others.All(member => member.State != CircuitState.Closed))
        {
            foreach (var member in others)
            {
                member.EndBreak();
            }
        }
    }

    /// <summary>The timestamp at which a probe may be early; null where there is no need: a sibling takes the traffic, is being probed, or there is none.</summary>
    /// <remarks>
    /// A destination with siblings is left alone because they do its work. Once all are out nobody does, and a long break only makes the outage
    /// longer than its cause; a trickle of probes ends it soon after, and is no load. A destination alone keeps its break to the letter.
    /// </remarks>
    public long? EarlyProbeDue
    {
        get
        {
            lock (_lock)
            {
                var open = 0;
                foreach (var member in _members)
                {
                    switch (member.State)
                    {
                        case CircuitState.Open:
                            open++;
                            break;
                        case CircuitState.Isolated:
                            break;
                        default:
                            return null;
                    }
                }

                return _members.Count > 1 && open > 0 ? Volatile.Read(ref _earlyProbeDue) : null;
            }
        }
    }

    /// <summary>Takes the early probe that is due; one caller gets it.</summary>
    /// <param name="due">What <see cref="EarlyProbeDue"/> said.</param>
    /// <param name="nextDue">When the next one is.</param>
    /// <param name="turn">Another number each time.</param>
    public bool TryTakeEarlyProbe(long due, long nextDue, out int turn)
    {
        turn = 0;
        if (Interlocked.CompareExchange(ref _earlyProbeDue, nextDue, due) != due)
        {
            return false;
        }

        turn = Interlocked.Increment(ref _rotation) & int.MaxValue;
        return true;
    }
}
