using System.Collections.Frozen;

namespace ResilientProxy.LoadBalancing;

/// <summary>Picks the destination of an attempt, under YARP's policy names.</summary>
/// <remarks>
/// YARP's own balancer runs once a request and reads counters that only its own forwarder writes; ours runs once an attempt and reads the
/// attempts in flight, retries included.
/// </remarks>
internal sealed class DestinationSelector
{
    /// <summary>The policy of a cluster that names none, as in YARP.</summary>
    public const string Default = "PowerOfTwoChoices";

    private delegate ProxyDestination Policy(DestinationSelector self, ReadOnlySpan<ProxyDestination> candidates);

    private static readonly FrozenDictionary<string, Policy> Policies = new Dictionary<string, Policy>(StringComparer.OrdinalIgnoreCase)
    {
        ["FirstAlphabetical"] = static (_, candidates) => candidates[0],
        ["Random"] = static (_, candidates) => candidates[Random.Shared.Next(candidates.Length)],
        ["RoundRobin"] = static (self, candidates) => candidates[(int)((uint)Interlocked.Increment(ref self._turn) % (uint)candidates.Length)],
        ["LeastRequests"] = static (_, candidates) => LeastRequests(candidates),
        [Default] = static (_, candidates) => PowerOfTwoChoices(candidates),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private readonly Policy _policy;
    private int _turn = -1;

    /// <summary>Creates a selector.</summary>
    /// <param name="policy">The policy's name; null for <see cref="Default"/>.</param>
    /// <exception cref="KeyNotFoundException">No policy has that name.</exception>
    public DestinationSelector(string? policy) => _policy = Policies[policy ?? Default];

    /// <summary>The names a config may use.</summary>
    public static IEnumerable<string> PolicyNames => Policies.Keys;

    /// <summary>Picks one of the candidates.</summary>
    /// <param name="candidates">At least one destination, ordered by name.</param>
    public ProxyDestination Pick(ReadOnlySpan<ProxyDestination> candidates) =>
        candidates.Length == 1 ? candidates[0] : _policy(this, candidates);

    // Starts at a random place, so that equal loads do not all go to the first.
    private static ProxyDestination LeastRequests(ReadOnlySpan<ProxyDestination> candidates)
    {
        var offset = Random.Shared.Next(candidates.Length);
        var best = candidates[offset];
        for (var i = 1; i < candidates.Length; i++)
        {
            var candidate = candidates[(offset + i) % candidates.Length];
            if (candidate.Status.InFlight < best.Status.InFlight)
            {
                best = candidate;
            }
        }

        return best;
    }

    private static ProxyDestination PowerOfTwoChoices(ReadOnlySpan<ProxyDestination> candidates)
    {
        var first = Random.Shared.Next(candidates.Length);
        var second = Random.Shared.Next(candidates.Length - 1);
        if (second >= first)
        {
            second++; // two different ones
        }

        return candidates[first].Status.InFlight <= candidates[second].Status.InFlight ? candidates[first] : candidates[second];
    }
}
