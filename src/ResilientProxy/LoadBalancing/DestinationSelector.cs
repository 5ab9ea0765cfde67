using System.Collections.Frozen;

namespace ResilientProxy.LoadBalancing;

/// <summary>Picks the destination of an attempt, under YARP's policy names and our own <c>PeakEwma</c>.</summary>
/// <remarks>
/// YARP's own balancer runs once a request and reads counters that only its own forwarder writes; ours runs once an attempt and reads the
/// attempts in flight, retries included. Every policy has a plain form, for destinations that all count alike, and one that minds weights and
/// ramps (<see cref="WeightedPick"/>). No pick allocates.
/// </remarks>
internal sealed class DestinationSelector
{
    /// <summary>The policy of a cluster that names none, as in YARP.</summary>
    public const string Default = "PowerOfTwoChoices";

    private static readonly FrozenDictionary<string, Policy> Policies = new Dictionary<string, Policy>
    {
        ["FirstAlphabetical"] = Policy.FirstAlphabetical,
        ["Random"] = Policy.Random,
        ["RoundRobin"] = Policy.RoundRobin,
        ["LeastRequests"] = Policy.LeastRequests,
        [Default] = Policy.PowerOfTwoChoices,
        ["PeakEwma"] = Policy.PeakEwma,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private readonly Policy _policy;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private int _turn = -1;

    /// <summary>Creates a selector.</summary>
    /// <param name="policy">The policy's name; null for <see cref="Default"/>.</param>
    /// <param name="time">The clock of latencies and ramps.</param>
    /// <param name="random">Where choices come from; thread-safe.</param>
    /// <exception cref="KeyNotFoundException">No policy has that name.</exception>
    public DestinationSelector(string? policy, TimeProvider time, Random? random = null)
    {
        _policy = Policies[policy ?? Default];
        _time = time;
        _random = random ?? Random.Shared;
    }

    private enum Policy
    {
        FirstAlphabetical,
        Random,
        RoundRobin,
        LeastRequests,
        PowerOfTwoChoices,
        PeakEwma,
    }

    /// <summary>The names a config may use.</summary>
    public static IEnumerable<string> PolicyNames => Policies.Keys;

    /// <summary>Picks one of the candidates.</summary>
    /// <param name="candidates">The loads of at least one destination, ordered by the destinations' names.</param>
    /// <returns>Its index.</returns>
    public int Pick(ReadOnlySpan<DestinationLoad> candidates)
    {
        if (candidates.Length == 1)
        {
            return 0;
        }

        if (!ArePlain(candidates))
        {
            var weighted = new WeightedPick(candidates, _time.GetTimestamp(), _random);
            if (weighted.IsPossible)
            {
                return _policy switch
                {
                    Policy.FirstAlphabetical => weighted.First(),
                    Policy.Random => weighted.Draw(),
                    Policy.RoundRobin => weighted.Turn((uint)Interlocked.Increment(ref _turn)),
                    Policy.LeastRequests => weighted.LeastRequests(),
                    Policy.PeakEwma => weighted.PeakEwma(),
                    _ => weighted.PowerOfTwoChoices(),
                };
            }
        }

        return _policy switch
        {
            Policy.FirstAlphabetical => 0,
            Policy.Random => _random.Next(candidates.Length),
            Policy.RoundRobin => (int)((uint)Interlocked.Increment(ref _turn) % (uint)candidates.Length),
            Policy.LeastRequests => LeastRequests(candidates),
            Policy.PeakEwma => PeakEwma(candidates),
            _ => PowerOfTwoChoices(candidates),
        };
    }

    private static bool ArePlain(ReadOnlySpan<DestinationLoad> candidates)
    {
        foreach (var candidate in candidates)
        {
            if (!candidate.IsPlain)
            {
                return false;
            }
        }

        return true;
    }

    // Starts at a random place, so that equal loads do not all go to the first.
    private int LeastRequests(ReadOnlySpan<DestinationLoad> candidates)
    {
        var best = _random.Next(candidates.Length);
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

    private int PowerOfTwoChoices(ReadOnlySpan<DestinationLoad> candidates)
    {
        var (first, second) = Two(candidates.Length);
        return candidates[first].InFlight <= candidates[second].InFlight ? first : second;
    }

    private int PeakEwma(ReadOnlySpan<DestinationLoad> candidates)
    {
        var (first, second) = Two(candidates.Length);
        var a = candidates[first];
        var b = candidates[second];
        var (latencyOfA, latencyOfB) = LatencyPair.Of(a, b, _time.GetTimestamp());
        return latencyOfA * (a.InFlight + 1) <= latencyOfB * (b.InFlight + 1) ? first : second;
    }

    private (int First, int Second) Two(int count)
    {
        var first = _random.Next(count);
        var second = _random.Next(count - 1);
        return (first, second >= first ? second + 1 : second); // two different ones
    }
}
