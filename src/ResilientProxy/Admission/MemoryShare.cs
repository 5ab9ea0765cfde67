using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ResilientProxy.Values;

namespace ResilientProxy.Admission;

/// <summary>A share of the memory there is, or no limit.</summary>
/// <param name="Share">From 0.1 to 1; infinite for no limit.</param>
[TextFormat("a share of the memory from 0.1 to 1, or \"off\"", @"^(0?\.[1-9][0-9]*|1(\.0+)?|off)$")]
internal readonly record struct MemoryShare(double Share) : IParsable<MemoryShare>, IFormattable
{
    /// <summary>No limit.</summary>
    public static readonly MemoryShare Off = new(double.PositiveInfinity);

    private const string OffWord = "off";

    /// <inheritdoc/>
    public static MemoryShare Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var share) ? share : throw new FormatException($"\"{s}\" is no share.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out MemoryShare result)
    {
        if (string.Equals(s, OffWord, StringComparison.OrdinalIgnoreCase))
        {
            result = Off;
            return true;
        }

        var read = double.TryParse(s, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share);
        result = new(share);
        return read && share is >= 0.1 and <= 1;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        double.IsFinite(Share) ? Share.ToString(CultureInfo.InvariantCulture) : OffWord;

    /// <inheritdoc/>
    public override string ToString() => ToString(null, null);
}
