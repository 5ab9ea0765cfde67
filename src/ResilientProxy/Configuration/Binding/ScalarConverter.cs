using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Binding;

/// <summary>Reads values without parts. A quoted number or truth value counts like a bare one, because variables and arguments know strings only.</summary>
internal static class ScalarConverter
{
    private static readonly MethodInfo ParseOwn = typeof(ScalarConverter).GetMethod(nameof(TryParseOwn), BindingFlags.NonPublic | BindingFlags.Static)!;

    private static readonly ConcurrentDictionary<Type, bool> Own = new();
    private static readonly ConcurrentDictionary<Type, MethodInfo> OwnParsers = new();

    /// <summary>Whether a type is read from a text or a number by its own parser.</summary>
    public static bool Reads(Type type) => Own.GetOrAdd(type, static type => type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IParsable<>)));

    /// <summary>Reads a value, or says what was expected: a text that completes "…, but is 5".</summary>
    public static bool TryConvert(ConfigNode node, Type type, ModelKey? key, out object? value, out string expected)
    {
        value = null;
        var scalar = node as ConfigScalar is { ScalarKind: not ScalarKind.Null } given ? given : null;
        expected = type switch
        {
            _ when type == typeof(string) => Read(scalar?.ScalarKind == ScalarKind.String, scalar?.Text, out value, "must be a string, in quotes"),
            _ when type == typeof(bool) => Read(bool.TryParse(scalar?.Text, out var flag), flag, out value, "must be true or false"),
            _ when type == typeof(TimeSpan) => ReadDuration(scalar, key, out value),
            _ when key?.SizeRange is not null => ReadSize(scalar, type, key, out value),
            _ when type == typeof(int) => Read(int.TryParse(scalar?.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number), number, out value, "must be a whole number"),
            _ when type == typeof(long) => Read(long.TryParse(scalar?.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number), number, out value, "must be a whole number"),
            _ when type == typeof(double) => Read(double.TryParse(scalar?.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number), number, out value, "must be a number"),
            _ when type.IsEnum => ReadEnum(node, type, out value),
            _ when type == typeof(Version) => Read(Version.TryParse(scalar is null || scalar.Text.Contains('.', StringComparison.Ordinal) ? scalar?.Text : scalar.Text + ".0", out var version), version, out value, "must be a version, such as \"1.1\" or \"2\""),
            _ when type == typeof(Uri) => Read(Uri.TryCreate(scalar?.Text, UriKind.Absolute, out var uri), uri, out value, "must be an absolute URL"),
            _ when Reads(type) => ReadOwn(scalar, type, out value),
            _ => throw new NotSupportedException($"The config's model holds a {type}, which nothing reads."),
        };
        if (expected.Length == 0 && key?.Range is { } range && !range.IsValid(value))
        {
            expected = string.Create(CultureInfo.InvariantCulture, $"must be from {range.Minimum} to {range.Maximum}");
        }

        return expected.Length == 0;
    }

    private static string Read(bool read, object? result, out object? value, string expected)
    {
        value = read ? result : null;
        return read ? "" : expected;
    }

    private static string ReadDuration(ConfigScalar? scalar, ModelKey? key, out object? value)
    {
        var range = key?.DurationRange;
        value = Timeout.InfiniteTimeSpan;
        if (range?.AllowOff == true && scalar is { IsOff: true })
        {
            return "";
        }

        if (scalar is null || !Duration.TryParse(scalar.Text, out var duration))
        {
            var off = range?.AllowOff == true ? ", or \"off\"" : "";
            return scalar is { HoldsSecret: false } && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
                ? $"must be a duration with its unit, such as \"{scalar.Text}s\" or \"{scalar.Text}ms\"{off}"
                : $"must be a duration, such as \"250ms\", \"2s\", \"1.5m\" or \"1h\"{off}";
        }

        value = duration;
        return range is not null && Duration.TryParse(range.Minimum, out var minimum) && Duration.TryParse(range.Maximum, out var maximum)
            && (duration < minimum || duration > maximum)
            ? $"must be from {range.Minimum} to {range.Maximum}{(range.AllowOff ? ", or \"off\"" : "")}"
            : "";
    }

    private static string ReadSize(ConfigScalar? scalar, Type type, ModelKey key, out object? value)
    {
        value = null;
        if (scalar is null || !ByteSize.TryParse(scalar.Text, out var bytes))
        {
            return "must be a size, in bytes or such as \"64KiB\", \"1MiB\" or \"1GiB\"";
        }

        var range = key.SizeRange!;
        if (ByteSize.TryParse(range.Minimum, out var minimum) && ByteSize.TryParse(range.Maximum, out var maximum)
            && (bytes < minimum || bytes > maximum))
        {
            return $"must be from {range.Minimum} to {range.Maximum}";
        }

        value = Convert.ChangeType(bytes, type, CultureInfo.InvariantCulture);
        return "";
    }

    // By name only: Enum.Parse would take numbers, and lists with commas, as well.
    private static string ReadEnum(ConfigNode node, Type type, out object? value)
    {
        var isSet = type.IsDefined(typeof(FlagsAttribute));
        var words = isSet && node is ConfigArray list ? list.Items : [node];
        long bits = 0;
        foreach (var word in words)
        {
            var name = word is ConfigScalar { ScalarKind: ScalarKind.String } scalar
                ? Enum.GetNames(type).FirstOrDefault(known => known.Equals(scalar.Text, StringComparison.OrdinalIgnoreCase))
                : null;
            if (name is null)
            {
                value = null;
                return $"must be {(isSet ? "one or a list of " : "")}{string.Join(", ", Enum.GetNames(type).Select(known => $"\"{known}\""))}";
            }

            bits |= Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture);
        }

        value = Enum.ToObject(type, bits);
        return "";
    }

    private static string ReadOwn(ConfigScalar? scalar, Type type, out object? value)
    {
        var arguments = new object?[] { scalar?.Text, null };
        var read = (bool)OwnParsers.GetOrAdd(type, static type => ParseOwn.MakeGenericMethod(type)).Invoke(null, arguments)!;
        value = arguments[1];
        return read ? "" : $"must be {type.GetCustomAttribute<TextFormatAttribute>()?.Expected ?? type.Name}";
    }

    private static bool TryParseOwn<T>(string? text, out object? value)
        where T : IParsable<T>
    {
        var read = T.TryParse(text, CultureInfo.InvariantCulture, out var own);
        value = own;
        return read;
    }
}
