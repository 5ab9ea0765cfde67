using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ResilientProxy.Values;

namespace ResilientProxy.Health;

/// <summary>A status, or a range of them, both ends included.</summary>
/// <param name="First">The lowest, from 100.</param>
/// <param name="Last">The highest, up to 599.</param>
[TextFormat("a status or a range of them, such as \"204\" or \"200-299\"", "^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$")]
internal readonly record struct StatusRange(int First, int Last) : IParsable<StatusRange>, IFormattable
{
    /// <summary>Whether a status lies in it.</summary>
    /// <param name="status">The status.</param>
    public bool Contains(int status) => status >= First && status <= Last;

    /// <inheritdoc/>
    public static StatusRange Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var range) ? range : throw new FormatException($"\"{s}\" is no range of statuses.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out StatusRange result)
    {
        var dash = s?.IndexOf('-', StringComparison.Ordinal) ?? -1;
        var first = dash < 0 ? s : s![..dash];
        var last = dash < 0 ? s : s![(dash + 1)..];
        result = int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            && int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            ? new(from, to)
            : default;
        return result is { First: >= 100, Last: <= 599 } && result.First <= result.Last;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc/>
    public override string ToString() =>
        First == Last ? First.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");
}
