namespace ResilientProxy.LoadBalancing;

/// <summary>The policies among destinations that do not all count alike: their weights, times how far they are ramped up, are their shares.</summary>
/// <remarks>
/// Candidates are drawn by their shares, and another one is taken instead of the drawn one only where it would be the less loaded even with
/// this request: in flight for its share, one more included. So an idle cluster gets exactly the shares, a busy one is levelled, and between
/// equal shares the rule is YARP's own, fewer in flight.
/// </remarks>
internal readonly ref struct WeightedPick
{
    private const double GoldenRatio = 0.6180339887498949;

    private readonly ReadOnlySpan<DestinationLoad> _candidates;
    private readonly long _now;
    private readonly Random _random;
    private readonly double _total;

    /// <summary>Begins a pick.</summary>
    /// <param name="candidates">The loads.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <param name="random">Where choices come from.</param>
    public WeightedPick(ReadOnlySpan<DestinationLoad> candidates, long now, Random random)
    {
        _candidates = candidates;
        _now = now;
        _random = random;
        foreach (var candidate in candidates)
        {
            _total += candidate.Share(now);
        }
    }

    /// <summary>Whether any has a share: where none has, all count alike.</summary>
    public bool IsPossible => _total > 0;

    /// <summary>The first that has a share.</summary>
    public int First()
    {
        for (var i = 0; i < _candidates.Length; i++)
        {
            if (_candidates[i].Weight > 0)
            {
                return i;
            }
        }

        return 0; // the weights changed in this very moment
    }

    /// <summary>One by the shares, at random.</summary>
    public int Draw() => At(_random.NextDouble() * _total, except: -1);

    /// <summary>One by the shares, in turn: multiples of the golden ratio fall evenly, so the turns of a heavy one do not come in a row.</summary>
    /// <param name="turn">The how manieth.</param>
    public int Turn(uint turn)
    {
        var position = turn * GoldenRatio;
        return At((position - Math.Floor(position)) * _total, except: -1);
    }

    /// <summary>The least loaded one for its share.</summary>
    public int LeastRequests()
    {
        var drawn = Draw();
        var best = -1;
        var least = _candidates[drawn].InFlight / _candidates[drawn].Share(_now);
        for (var i = 1; i < _candidates.Length; i++)
        {
            var index = (drawn + i) % _candidates.Length;
            var share = _candidates[index].Share(_now);
            var load = (_candidates[index].InFlight + 1) / share;
            if (share > 0 && (best < 0 ? load <= least : load < least))
            {
                best = index;
                least = load;
            }
        }

        return best < 0 ? drawn : best;
    }

    /// <summary>The less loaded one of two.</summary>
    public int PowerOfTwoChoices()
    {
        var (first, second) = Two();
        return second >= 0 && Load(second, more: 1) <= Load(first, more: 0) ? second : first;
    }

    /// <summary>The one of two that should answer sooner.</summary>
    public int PeakEwma()
    {
        var (first, second) = Two();
        if (second < 0)
        {
            return first;
        }

        // A difference in latency of less than twice is taken for noise, so that destinations that answer alike get their shares.
        var (ofFirst, ofSecond) = LatencyPair.Of(_candidates[first], _candidates[second], _now);
        var isLevelled = ofSecond * Load(second, more: 1) <= ofFirst * Load(first, more: 0);
        var isFaster = ofSecond * 2 < ofFirst && ofSecond * Load(second, more: 1) < ofFirst * Load(first, more: 1);
        return isLevelled || isFaster ? second : first;
    }

    private double Load(int index, int more) => (_candidates[index].InFlight + more) / _candidates[index].Share(_now);

    private (int First, int Second) Two()
    {
        var first = Draw();
        var rest = _total - _candidates[first].Share(_now);
        return (first, rest > 0 ? At(_random.NextDouble() * rest, except: first) : -1);
    }

    // Whose stretch of the whole a point lies in; the last one with a share where rounding, or a weight that changed meanwhile, leaves a rest.
    private int At(double point, int except)
    {
        var last = -1;
        for (var i = 0; i < _candidates.Length; i++)
        {
            var share = i == except ? 0 : _candidates[i].Share(_now);
            if (share > 0)
            {
                last = i;
                point -= share;
                if (point < 0)
                {
                    break;
                }
            }
        }

        return last < 0 && except < 0 ? 0 : last;
    }
}
