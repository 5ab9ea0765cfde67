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
}
