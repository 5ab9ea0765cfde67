namespace ResilientProxy.Admission;

/// <summary>Makes a level of a value that is measured again and again: one spike is not enough to rise, nor one dip to fall.</summary>
/// <param name="minimumSamples">Samples in a row beyond a threshold, at least, before the level changes.</param>
internal sealed class PressureGauge(int minimumSamples)
{
    /// <summary>How long the value must be beyond a threshold without a break before the level changes.</summary>
    public static readonly TimeSpan Hold = TimeSpan.FromMilliseconds(500);

    // Of the limit: where a level begins, and below which it ends again.
    private const double Pressed = 0.8;
    private const double Hysteresis = 0.9;

    private readonly Run[] _above = [new(), new()];
    private readonly Run[] _below = [new(), new()];
    private readonly bool[] _reached = new bool[2];

    /// <summary>The level after the samples so far.</summary>
    public OverloadLevel Level => _reached[1] ? OverloadLevel.Overloaded : _reached[0] ? OverloadLevel.Pressed : OverloadLevel.None;

    /// <summary>Takes one sample.</summary>
    /// <param name="value">The value.</param>
    /// <param name="limit">Where the overload begins; infinite for never.</param>
    /// <param name="now">When it was measured.</param>
    public void Sample(double value, double limit, TimeSpan now)
    {
        for (var i = 0; i < _reached.Length; i++)
        {
            var threshold = i == 0 ? limit * Pressed : limit;
            var changes = _reached[i]
                ? _below[i].Holds(value < threshold * Hysteresis, now, minimumSamples)
                : _above[i].Holds(value >= threshold, now, minimumSamples);
            _reached[i] ^= changes;
        }
    }

    // Samples in a row of which the same is true.
    private sealed class Run
    {
        private TimeSpan _since;
        private int _count;

        public bool Holds(bool isSo, TimeSpan now, int minimumSamples)
        {
            if (!isSo)
            {
                _count = 0;
                return false;
            }

            _since = _count++ == 0 ? now : _since;
            if (_count < minimumSamples || now - _since < Hold)
            {
                return false;
            }

            _count = 0;
            return true;
        }
    }
}
