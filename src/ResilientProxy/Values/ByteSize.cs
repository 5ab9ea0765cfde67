using System.Globalization;

namespace ResilientProxy.Values;

/// <summary>The config's notation for a number of bytes: <c>65536</c>, <c>"64KiB"</c>, <c>"1MiB"</c>, <c>"1GiB"</c>.</summary>
internal static class ByteSize
{
    /// <summary>What a text must match to be a size; the schema carries it.</summary>
    public const string Pattern = @"^\d+(\.\d+)?(B|KiB|MiB|GiB)?$";

    private static readonly (string Suffix, long Bytes)[] Units =
        [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1), ("", 1)];

    /// <summary>Reads a size; "KB" and "kb" are none, because half of the world takes them for 1000.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var (suffix, unit) = Units.First(known => text.EndsWith(known.Suffix, StringComparison.Ordinal));
        return PlainNumber.TryScale(text.AsSpan(0, text.Length - suffix.Length), unit, out bytes);
    }

    /// <summary>Writes a size so that <see cref="TryParse"/> reads the same one: in the largest unit that leaves no fraction.</summary>
    public static string Format(long bytes)
    {
        var (suffix, unit) = Units.First(known => bytes % known.Bytes == 0 && bytes >= known.Bytes || known.Bytes == 1);
        return (bytes / unit).ToString(CultureInfo.InvariantCulture) + suffix;
    }
}
