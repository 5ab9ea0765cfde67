using Yarp.ReverseProxy.Model;

namespace ResilientProxy.Forwarding;

/// <summary>The destinations one request may go to, and those it has been to.</summary>
internal sealed class Candidates(ProxyCluster cluster, IReverseProxyFeature feature)
{
    private List<ProxyDestination>? _tried;

    /// <summary>Whether there is a destination that has not failed this request.</summary>
    public bool HasUntried
    {
        get
        {
            foreach (var destination in cluster.Destinations)
            {
                if (_tried?.Contains(destination) != true && IsAvailable(destination))
                {
                    return true;
                }
            }

            return false;
        }
    }

    // Affinity left only some of them, and one of these is well. A session that must not move ("Return503Error") is not moved by a retry either;
    // one that may be redistributed is.
    private bool IsNarrowed => feature.AvailableDestinations.Count != cluster.Destinations.Length
        && (MayNotMove || (_tried is null && IsAnyOfNarrowedEligible()));

    // What YARP calls the failure policy of the affinity.
    private bool MayNotMove => string.Equals(feature.Cluster.Config.SessionAffinity?.FailurePolicy, "Return503Error", StringComparison.OrdinalIgnoreCase);

    /// <summary>Chooses the next one: an untried one where there is one, else any; null where none may get traffic.</summary>
    public ProxyDestination? Choose()
    {
        if (_tried is null && !IsNarrowed && AreAllEligible())
        {
            return cluster.Destinations.Length == 0 ? null : cluster.Destinations[cluster.Selector.Pick(cluster.Loads)];
        }

        var untriedOnly = HasUntried;
        var left = new List<ProxyDestination>(cluster.Destinations.Length);
        foreach (var destination in cluster.Destinations)
        {
            if (IsAvailable(destination) && !(untriedOnly && _tried?.Contains(destination) == true))
            {
                left.Add(destination);
            }
        }

        return left.Count == 0 ? null : left[cluster.Selector.Pick(left.ConvertAll(static destination => destination.Load).ToArray())];
    }

    /// <summary>The request goes there.</summary>
    /// <param name="destination">Where.</param>
    public void Tried(ProxyDestination destination) => (_tried ??= new(1)).Add(destination);

    /// <summary>YARP's own object for a destination: its affinity cookie and its host transform want it.</summary>
    /// <param name="destination">Ours.</param>
    public DestinationState? YarpStateOf(ProxyDestination destination)
    {
        foreach (var state in feature.AllDestinations)
        {
            if (string.Equals(state.DestinationId, destination.Id, StringComparison.OrdinalIgnoreCase))
            {
                return state;
            }
        }

        return null;
    }

    private bool IsAvailable(ProxyDestination destination) =>
        destination.Health.IsEligible && (!IsNarrowed || IsOfNarrowed(destination));

    private bool IsOfNarrowed(ProxyDestination destination) =>
        YarpStateOf(destination) is { } state && feature.AvailableDestinations.Contains(state);

    private bool IsAnyOfNarrowedEligible()
    {
        foreach (var destination in cluster.Destinations)
        {
            if (destination.Health.IsEligible && IsOfNarrowed(destination))
            {
                return true;
            }
        }

        return false;
    }

    private bool AreAllEligible()
    {
        foreach (var destination in cluster.Destinations)
        {
            if (!destination.Health.IsEligible)
            {
                return false;
            }
        }

        return true;
    }
}
