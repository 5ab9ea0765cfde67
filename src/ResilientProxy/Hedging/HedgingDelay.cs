using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ResilientProxy.Values;

namespace ResilientProxy.Hedging;

/// <summary>How long an attempt may be silent before it is hedged: a fixed time, or a percentile of the route's own times.</summary>
/// <param name="Fixed">The fixed time; zero where <paramref name="Percentile"/> counts.</param>
/// <param name="Percentile">50 to 99; 0 where <paramref name="Fixed"/> counts.</param>
[TextFormat(
    "a duration from 5 ms to 1 h, such as \"50ms\", or a percentile from \"p50\" to \"p99\"",
    @"^(\d+(\.\d+)?(ms|s|m|h)|(\d+\.)?\d{1,2}:\d{2}(:\d{2}(\.\d{1,7})?)?|p[5-9][0-9])$")]
internal readonly record struct HedgingDelay(TimeSpan Fixed, int Percentile) : IParsable<HedgingDelay>, IFormattable
{
    /// <summary>The shortest delay: below it a hedge is a second request, not an insurance.</summary>
    public static readonly TimeSpan Floor = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan Ceiling = TimeSpan.FromHours(1);

    /// <summary>A live percentile.</summary>
    /// <param name="percentile">50 to 99.</param>
    public static HedgingDelay OfPercentile(int percentile) => new(TimeSpan.Zero, percentile);

    /// <inheritdoc/>
    public static HedgingDelay Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var delay) ? delay : throw new FormatException($"\"{s}\" is no hedging delay.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out HedgingDelay result)
    {
        result = default;
        if (s is ['p' or 'P', _, _] && int.TryParse(s.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var percentile))
        {
            result = OfPercentile(percentile);
            return percentile >= 50;
        }

        if (s is null || !Duration.TryParse(s, out var fixedDelay))
        {
            return false;
        }

        result = new(fixedDelay, 0);
        return fixedDelay >= Floor && fixedDelay <= Ceiling;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        Percentile > 0 ? string.Create(CultureInfo.InvariantCulture, $"p{Percentile}") : Duration.Format(Fixed);

    /// <inheritdoc/>
    public override string ToString() => ToString(null, CultureInfo.InvariantCulture);
}
