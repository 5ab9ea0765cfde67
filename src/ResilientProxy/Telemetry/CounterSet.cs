namespace ResilientProxy.Telemetry;

/// <summary>A handle's counters of one family that differ only in their last label, as a reason word.</summary>
/// <remarks>
/// The words are a handful of constants, so a look-up compares references and allocates nothing; a counter is made when its word first
/// comes up. For words from a client this would be wrong, and so would be a label.
/// </remarks>
internal sealed class CounterSet(LabelledFamily<Counter> family, HandleLifetime owner, params string[] firstLabels)
{
    private readonly Lock _lock = new();
    private volatile (string Word, Counter Counter)[] _counters = [];

    /// <summary>The counter whose last label is <paramref name="word"/>.</summary>
    public Counter this[string word]
    {
        get
        {
            foreach (var (known, counter) in _counters)
            {
                if (known == word)
                {
                    return counter;
                }
            }

            return Add(word);
        }
    }

    /// <summary>What was counted under each word so far; words that never came up are not in it.</summary>
    public IReadOnlyDictionary<string, long> Read() => _counters.ToDictionary(entry => entry.Word, entry => entry.Counter.Value);

    private Counter Add(string word)
    {
        lock (_lock)
        {
            foreach (var (known, counter) in _counters)
            {
                if (known == word)
                {
                    return counter;
                }
            }

            var added = family.With(owner, [.. firstLabels, word]);
            _counters = [.. _counters, (word, added)];
            return added;
        }
    }
}
