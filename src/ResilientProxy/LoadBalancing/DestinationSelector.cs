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

    private delegate int Policy(DestinationSelector self, ReadOnlySpan<DestinationLoad> candidates);

    private static readonly FrozenDictionary<string, Policy> Policies = new Dictionary<string, Policy>(StringComparer.OrdinalIgnoreCase)
    {
        ["FirstAlphabetical"] = static (_, _) => 0,
        ["Random"] = static (_, candidates) => Random.Shared.Next(candidates.Length),
        ["RoundRobin"] = static (self, candidates) => (int)((uint)Interlocked.Increment(ref self._turn) % (uint)candidates.Length),
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
    /// <param name="candidates">The loads of at least one destination, ordered by the destinations' names.</param>
    /// <returns>Its index.</returns>
    public int Pick(ReadOnlySpan<DestinationLoad> candidates) => candidates.Length == 1 ? 0 : _policy(this, candidates);

    // Starts at a random place, so that equal loads do not all go to the first.
    private static int LeastRequests(ReadOnlySpan<DestinationLoad> candidates)
    {
        var best = Random.Shared.Next(candidates.Length);
        var offset = best;
        for (var i = 1; i < candidates.Length; i++)
        {
            var candidate = (offset + i) % candidates.Length;
            if (candidates[candidate].InFlight < candidates[best].InFlight)
            {
                best = candidate;
            }
        }

        return best;
    }

    private static int PowerOfTwoChoices(ReadOnlySpan<DestinationLoad> candidates)
    {
        var first = Random.Shared.Next(candidates.Length);
        var second = Random.Shared.Next(candidates.Length - 1);
        if (second >= first)
        {
            second++; // two different ones
        }

        return candidates[first].InFlight <= candidates[second].InFlight ? first : second;
    }
}
