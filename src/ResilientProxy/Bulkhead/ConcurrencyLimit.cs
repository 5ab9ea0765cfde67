using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ResilientProxy.Values;

namespace ResilientProxy.Bulkhead;

/// <summary>How many at the same time: a number, or "adaptive", found out from latencies and failures.</summary>
/// <param name="Value">The number, 1 to 1000000; 0 for adaptive.</param>
[TextFormat("a whole number from 1 to 1000000, or \"adaptive\"", "^([1-9][0-9]{0,6}|adaptive)$")]
internal readonly record struct ConcurrencyLimit(int Value) : IParsable<ConcurrencyLimit>, IFormattable
{
    private const int Most = 1_000_000;
    private const string AdaptiveWord = "adaptive";

    /// <summary>Whether the limit is found out.</summary>
    public bool IsAdaptive => Value == 0;

    /// <inheritdoc/>
    public static ConcurrencyLimit Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var limit) ? limit : throw new FormatException($"\"{s}\" is no limit.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ConcurrencyLimit result)
    {
        result = default;
        if (string.Equals(s, AdaptiveWord, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var isNumber = int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is >= 1 and <= Most;
        result = new(value);
        return isNumber;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        IsAdaptive ? AdaptiveWord : Value.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string ToString() => ToString(null, CultureInfo.InvariantCulture);
}
