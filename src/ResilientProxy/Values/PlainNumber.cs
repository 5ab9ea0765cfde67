using System.Globalization;

namespace ResilientProxy.Values;

/// <summary>The number in front of a unit: digits, and a fraction where wanted; no sign, no exponent, no blanks.</summary>
internal static class PlainNumber
{
    /// <summary>Reads a number and multiplies it by its unit; false for anything else, and for what does not fit.</summary>
    public static bool TryScale(ReadOnlySpan<char> digits, long unit, out long value)
    {
        value = 0;
        if (digits.IsEmpty || !char.IsAsciiDigit(digits[0]) || !char.IsAsciiDigit(digits[^1])
            || !decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number > (decimal)long.MaxValue / unit)
        {
            return false;
        }

        value = (long)Math.Round(number * unit);
        return true;
    }
}
