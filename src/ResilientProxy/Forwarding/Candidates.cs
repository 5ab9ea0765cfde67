using ResilientProxy.CircuitBreaking;
using ResilientProxy.Errors;
using ResilientProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>Chooses where one request's attempts go, one after the other.</summary>
/// <remarks>
/// In this order: where the session is bound to, where a circuit lets it through, where there is room, where it is healthy. Of what is left those
/// that have not failed this request come first, then those that did not ask for less traffic; among equals the cluster's policy decides.
/// </remarks>
/// <param name="target">The cluster and its circuits.</param>
/// <param name="feature">YARP's view of the request, in which session affinity has narrowed the destinations; null where it does not apply.</param>
internal sealed class Candidates(RouteTarget target, IReverseProxyFeature? feature)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    // Choosing never waits, so one list per thread serves them all.
    [ThreadStatic]
    private static Shortlist? _shortlist;

    private TriedDestinations _tried;

    // Affinity left only some of them, and one of these can take it. A session that must not move ("Return503Error") is not moved by a retry
    // either; one that may be redistributed is.
    private bool IsNarrowed => feature is not null && feature.AvailableDestinations.Count != target.Cluster.Destinations.Length
        && (MayNotMove || (_tried.IsEmpty && IsAnyOfNarrowedAvailable()));

    // What YARP calls the failure policy of the affinity.
    private bool MayNotMove =>
        string.Equals(feature!.Cluster.Config.SessionAffinity?.FailurePolicy, "Return503Error", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether there is a destination that could take an attempt and has not failed this request.</summary>
    public bool HasUntried => Any(untriedOnly: true);

    /// <summary>Whether there is a destination that could take an attempt at all.</summary>
    public bool HasAny => Any(untriedOnly: false);

    /// <summary>Chooses the next destination and takes a place there.</summary>
    /// <param name="mayProbe">Whether the request may be the one that finds out whether a destination has recovered: it could be sent again.</param>
    public Choice Choose(bool mayProbe)
    {
        var destinations = target.Cluster.Destinations;
        var list = (_shortlist ??= new Shortlist()).Cleared(destinations.Length);
        var isNarrowed = IsNarrowed;
        var (bestRank, probe) = (int.MaxValue, -1);
        var (full, open, nextProbe) = (false, false, TimeSpan.MaxValue);
        for (var i = 0; i < destinations.Length; i++)
        {
            var destination = destinations[i];
            if (isNarrowed && !IsOfNarrowed(destination))
            {
                continue;
            }

            var circuit = target.Circuits?[i];
            if (circuit is { IsAvailable: false })
            {
                open = true;
                nextProbe = circuit.NextProbeIn < nextProbe ? circuit.NextProbeIn : nextProbe;
            }
            else if (destination.Load.InFlight >= target.MaxConcurrentPerDestination)
            {
                full = true;
            }
            else if (destination.Health.IsEligible)
            {
                var rank = RankOf(i, destination);
                if (mayProbe && rank == 0 && circuit is { State: not CircuitState.Closed })
                {
                    probe = i;
                }

                if (rank < bestRank)
                {
                    bestRank = rank;
                    list.Clear();
                }

                if (rank == bestRank)
                {
                    list.Add(i, destination.Load);
                }
            }
        }

        // A destination whose break is over learns so from the first request that could be sent again should it fail once more: a policy that
        // goes by past latency might not come back to it for a long time.
        if (probe >= 0 && TryTake(probe, early: false, out var choice) is null)
        {
            return choice;
        }

        while (list.Count > 0)
        {
            var picked = list.Count == destinations.Length ? target.Cluster.Selector.Pick(target.Cluster.Loads) : target.Cluster.Selector.Pick(list.Loads);
            var refusal = TryTake(list.IndexAt(picked), early: false, out choice);
            if (refusal is null)
            {
                return choice;
            }

            // Another request was faster; the next best then.
            full |= ReferenceEquals(refusal, ProxyError.BulkheadFull);
            open |= ReferenceEquals(refusal, ProxyError.CircuitOpen);
            list.RemoveAt(picked);
        }

        if (full)
        {
            foreach (var destination in destinations)
            {
                if (destination.Load.InFlight >= target.MaxConcurrentPerDestination)
                {
                    destination.Rejected();
                }
            }
        }

        if (full)
        {
            return Choice.None(ProxyError.BulkheadFull, Soon);
        }

        if (!open)
        {
            return Choice.None(ProxyError.NoDestination, Soon);
        }

        return !isNarrowed && _tried.IsEmpty && TryProbeEarly(ref nextProbe, out choice) ? choice
            : Choice.None(ProxyError.CircuitOpen, nextProbe == TimeSpan.MaxValue ? Soon : nextProbe);
    }

    // Every circuit is open: now and then one request goes out all the same, to one destination after the other.
    private bool TryProbeEarly(ref TimeSpan nextProbe, out Choice choice)
    {
        var circuits = target.Circuits!;
        if (circuits[0].TryTakeEarlyTurn(out var turn, out var wait))
        {
            for (var i = 0; i < circuits.Length; i++)
            {
                var index = (turn + i) % circuits.Length;
                if (target.Cluster.Destinations[index].Health.IsEligible && TryTake(index, early: true, out choice) is null)
                {
                    return true;
                }
            }
        }

        nextProbe = wait < nextProbe ? wait : nextProbe;
        choice = default;
        return false;
    }

    /// <summary>The same destination once more, where its circuit and its places allow.</summary>
    /// <param name="destination">The destination.</param>
    /// <param name="choice">The place there.</param>
    public bool TryAgain(ProxyDestination destination, out Choice choice)
    {
        var index = Array.IndexOf(target.Cluster.Destinations, destination);
        return TryTake(index, early: false, out choice) is null;
    }

    /// <summary>YARP's own object for a destination: its affinity cookie and its host transform want it.</summary>
    /// <param name="destination">Ours.</param>
    public DestinationState? YarpStateOf(ProxyDestination destination)
    {
        if (feature is not null)
        {
            foreach (var state in feature.AllDestinations)
            {
                if (string.Equals(state.DestinationId, destination.Id, StringComparison.OrdinalIgnoreCase))
                {
                    return state;
                }
            }
        }

        return null;
    }

    private bool Any(bool untriedOnly)
    {
        var destinations = target.Cluster.Destinations;
        var isNarrowed = IsNarrowed;
        for (var i = 0; i < destinations.Length; i++)
        {
            if (!(untriedOnly && _tried.Contains(i)) && (!isNarrowed || IsOfNarrowed(destinations[i]))
                && target.Circuits?[i] is null or { IsAvailable: true }
                && destinations[i].Load.InFlight < target.MaxConcurrentPerDestination && destinations[i].Health.IsEligible)
            {
                return true;
            }
        }

        return false;
    }

    // Lower is better.
    private int RankOf(int index, ProxyDestination destination) =>
        (_tried.Contains(index) ? 2 : 0) + (destination.Backpressure.IsActive ? 1 : 0);

    private bool IsOfNarrowed(ProxyDestination destination) =>
        YarpStateOf(destination) is { } state && feature!.AvailableDestinations.Contains(state);

    private bool IsAnyOfNarrowedAvailable()
    {
        for (var i = 0; i < target.Cluster.Destinations.Length; i++)
        {
            var destination = target.Cluster.Destinations[i];
            if (destination.Health.IsEligible && target.Circuits?[i] is null or { IsAvailable: true } && IsOfNarrowed(destination))
            {
                return true;
            }
        }

        return false;
    }

    // Takes the place in the destination's bulkhead and the pass of its circuit: both or neither.
    private ProxyError? TryTake(int index, bool early, out Choice choice)
    {
        var destination = target.Cluster.Destinations[index];
        var circuit = target.Circuits?[index];
        var pass = default(CircuitPass);
        choice = default;
        if (!destination.TryBegin(target.MaxConcurrentPerDestination))
        {
            return ProxyError.BulkheadFull;
        }

        if (circuit is not null && !(early ? circuit.TryProbeEarly(out pass) : circuit.TryEnter(out pass)))
        {
            destination.GiveBack();
            return ProxyError.CircuitOpen;
        }

        _tried.Add(index);
        choice = new Choice(destination, circuit, pass, null, TimeSpan.Zero);
        return null;
    }

    private sealed class Shortlist
    {
        private int[] _indices = new int[8];
        private DestinationLoad[] _loads = new DestinationLoad[8];

        public int Count { get; private set; }

        public ReadOnlySpan<DestinationLoad> Loads => _loads.AsSpan(0, Count);

        public Shortlist Cleared(int capacity)
        {
            if (_indices.Length < capacity)
            {
                _indices = new int[capacity];
                _loads = new DestinationLoad[capacity];
            }

            Count = 0;
            return this;
        }

        public void Clear() => Count = 0;

        public int IndexAt(int position) => _indices[position];

        public void Add(int index, DestinationLoad load)
        {
            _indices[Count] = index;
            _loads[Count++] = load;
        }

        // In order: policies rely on it.
        public void RemoveAt(int position)
        {
            Count--;
            _indices.AsSpan(position + 1, Count - position).CopyTo(_indices.AsSpan(position));
            _loads.AsSpan(position + 1, Count - position).CopyTo(_loads.AsSpan(position));
        }
    }
}
