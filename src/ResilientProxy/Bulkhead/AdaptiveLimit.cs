using ResilientProxy.Errors;

namespace ResilientProxy.Bulkhead;

/// <summary>Finds out how many requests an upstream serves well at once: from how much its latency rises above what it is without a queue.</summary>
/// <remarks>
/// After the Gradient limit of Netflix' concurrency-limits (https://github.com/Netflix/concurrency-limits): the limit is multiplied by the latency
/// without a queue over the latency now, a tolerance granted, and gets the square root of itself as room for a queue. It differs in how the
/// latency without a queue is known: it falls with every better window at once and rises only where no queue can be the reason: when less than
/// half of the limit was used, when the limit is at its lowest, or when lowering the limit did not lower the latency. So a lasting overload does
/// not become the new normal, an upstream that is slower for good does, and the limit is never lowered just to measure.
/// </remarks>
internal sealed class AdaptiveLimit
{
    private const double Tolerance = 1.5;
    private const double Smoothing = 0.2;
    private const double AfterFailure = 0.9;
    private const double RiseOfBaseline = 0.1;
    private const double Lowered = 0.7;
    private const double BarelyFaster = 0.85;
    private const int FewestSamples = 10;

    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly int _min;
    private readonly int _max;
    private readonly long _windowTicks;
    private double _limit;
    private int _published;
    private double _baseline;
    private (double Limit, double Latency) _reference;
    private long _windowEnds;
    private double _sum;
    private int _samples;
    private int _failures;
    private int _mostInFlight;

    /// <summary>Begins with the lowest limit: what the upstream bears is found out from below.</summary>
    /// <param name="min">The lowest limit; at least 1.</param>
    /// <param name="max">The highest limit.</param>
    /// <param name="time">The clock of <see cref="Learn"/>.</param>
    public AdaptiveLimit(int min, int max, TimeProvider time)
    {
        _min = min;
        _max = max;
        _windowTicks = (long)(Window.TotalSeconds * time.TimestampFrequency);
        _limit = _published = min;
    }

    /// <summary>The limit at this moment.</summary>
    public int Limit => Volatile.Read(ref _published);

    /// <summary>A request has ended.</summary>
    /// <param name="latency">How long the upstream took.</param>
    /// <param name="verdict">What it said; what says nothing is not looked at.</param>
    /// <param name="inFlight">Requests at the upstream, this one included.</param>
    /// <param name="now">Now, on the clock.</param>
    public void Learn(TimeSpan latency, AttemptVerdict verdict, int inFlight, long now)
    {
        // One sample less is cheaper than a wait.
        if (verdict == AttemptVerdict.Nothing || !_lock.TryEnter())
        {
            return;
        }

        try
        {
            _mostInFlight = Math.Max(_mostInFlight, inFlight);
            if (verdict == AttemptVerdict.Failure)
            {
                _failures++;
            }
            else
            {
                _sum += latency.TotalSeconds;
                _samples++;
            }

            if (now >= _windowEnds && _samples + _failures >= FewestSamples)
            {
                EndWindow_NeedsLock();
                _windowEnds = now + _windowTicks;
            }
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void EndWindow_NeedsLock()
    {
        if (_samples > 0)
        {
            Adjust_NeedsLock(_sum / _samples);
        }

        // A failing upstream gets less, once a window: a burst of failures is one reason, not many.
        if (_failures > 0)
        {
            _limit *= AfterFailure;
        }

        _limit = Math.Clamp(_limit, _min, _max);
        Volatile.Write(ref _published, (int)Math.Round(_limit));
        (_sum, _samples, _failures, _mostInFlight) = (0, 0, 0, 0);
    }

    private void Adjust_NeedsLock(double latency)
    {
        var free = _mostInFlight < _limit / 2;
        if (_baseline <= 0 || latency < _baseline)
        {
            _baseline = latency;
        }
        else if (free || _limit <= _min)
        {
            _baseline += (latency - _baseline) * RiseOfBaseline;
        }

        // A queue of our making gets shorter with the limit. What stays as it was is not our making.
        if (_limit >= _reference.Limit)
        {
            _reference = (_limit, latency);
        }
        else if (_limit <= _reference.Limit * Lowered)
        {
            _baseline = latency > _reference.Latency * BarelyFaster ? Math.Max(_baseline, latency) : _baseline;
            _reference = (_limit, latency);
        }

        var gradient = Math.Clamp(Tolerance * _baseline / Math.Max(latency, 1e-6), 0.5, 1);
        var target = (_limit * gradient) + Math.Sqrt(_limit);

        // What is not used says nothing about more of it.
        if (target < _limit || !free)
        {
            _limit += (target - _limit) * Smoothing;
        }
    }
}
