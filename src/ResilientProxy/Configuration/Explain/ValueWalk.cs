using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Explain;

/// <summary>Lists every value of an options record, each with its origin. It knows no key: a new property is listed by itself.</summary>
internal static class ValueWalk
{
    /// <summary>Lists the values in the order of the records' properties; a strategy that is absent is one value, "off".</summary>
    /// <param name="record">The options in force.</param>
    /// <param name="written">The object as written; null where nothing was.</param>
    /// <param name="origins">Says where values come from.</param>
    /// <param name="prefix">The path of the object with a dot behind it; nothing for the whole.</param>
    public static IEnumerable<ExplainedValue> Of(object record, ConfigNode? written, Origins origins, string prefix = "")
    {
        foreach (var key in ModelShape.Of(record.GetType()).Keys)
        {
            if (key.Property is null)
            {
                continue;
            }

            var value = key.Property.GetValue(record);
            var node = written?.Find(key.Name);
            var path = prefix + key.Name;
            if (value is null)
            {
                // YARP's own keys that are not set are many, and say nothing.
                if (record.GetType().Assembly == typeof(ValueWalk).Assembly && (key.TakesOff || !ModelShape.IsRecord(key.Type)))
                {
                    yield return Leaf(path, key.TakesOff ? "off" : null, key, node, origins);
                }
            }
            else if (ModelShape.IsRecord(key.Type) && !ScalarConverter.Reads(key.Type))
            {
                foreach (var part in Of(value, node, origins, path + "."))
                {
                    yield return part;
                }
            }
            else
            {
                yield return Leaf(path, value, key, node, origins);
            }
        }
    }

    private static ExplainedValue Leaf(string path, object? value, ModelKey key, ConfigNode? node, Origins origins) =>
        new(path, Written(node is { HoldsSecret: true } ? Secrets.Mask : Masked(key, value)), origins.Of(node));

    private static object? Masked(ModelKey key, object? value) => value switch
    {
        string when Secrets.IsSecret(key.Name) => Secrets.Mask,
        int or long when key.SizeRange is not null => ByteSize.Format(Convert.ToInt64(value, CultureInfo.InvariantCulture)),

        // A number, or a word in its place: the number stays one.
        IFormattable own when own.GetType().Assembly == typeof(ValueWalk).Assembly
            && long.TryParse(own.ToString(null, CultureInfo.InvariantCulture), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,

        // Headers: the value of one that carries credentials is a secret whatever the key is called.
        IReadOnlyDictionary<string, string> entries => entries.ToDictionary(
            entry => entry.Key, entry => Secrets.NamesSecretHeader([entry.Key]) ? Secrets.Mask : entry.Value),
        _ => value,
    };

    private static JsonElement Written(object? value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            new ModelWriter(json, showSecrets: false, static _ => (null, null)).Write(value);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }
}
