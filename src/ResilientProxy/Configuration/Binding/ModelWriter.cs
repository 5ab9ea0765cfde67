using System.Collections;
using System.Globalization;
using System.Text.Json;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Binding;

/// <summary>Writes the config's records as JSON in the config's own notation, so that what is written can be read again.</summary>
/// <param name="json">Where to.</param>
/// <param name="showSecrets">Whether secrets are written; else <see cref="Secrets.Mask"/> stands in their place.</param>
/// <param name="extra">Our part of a record of YARP's: the value of its key, or the record that declares its keys; and where it was written.</param>
internal sealed class ModelWriter(Utf8JsonWriter json, bool showSecrets, Func<object, (object? Value, ConfigNode? Written)> extra)
{
    /// <summary>Writes a value; keys that are not set are left out, and an object of ours that is absent is "off".</summary>
    /// <param name="value">The value.</param>
    /// <param name="written">Where it was read from, which says what came by a reference; null where nothing did.</param>
    public void Write(object? value, ConfigNode? written = null)
    {
        switch (value)
        {
            case not null when !showSecrets && written is ConfigScalar { HoldsSecret: true }:
            case Enum when !showSecrets && written is { HoldsSecret: true }:
                json.WriteStringValue(Secrets.Mask);
                break;
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(References.Escaped(text));
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case TimeSpan duration:
                json.WriteStringValue(Duration.Format(duration));
                break;
            case Enum name:
                WriteEnum(name);
                break;
            case Uri uri:
                json.WriteStringValue(showSecrets || uri.UserInfo.Length == 0 ? uri.OriginalString : uri.OriginalString.Replace(uri.UserInfo, Secrets.Mask, StringComparison.Ordinal));
                break;
            case ConfigNode node:
                WriteNode(node);
                break;
            case IDictionary entries:
                WriteEntries(entries, written);
                break;
            case IEnumerable items:
                WriteItems(items, written);
                break;
            case IFormattable plain when !ModelShape.IsRecord(plain.GetType()):
                json.WriteStringValue(plain.ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                WriteRecord(value, written);
                break;
        }
    }

    private void WriteRecord(object record, ConfigNode? written)
    {
        if (!ModelShape.IsRecord(record.GetType()))
        {
            json.WriteStringValue(record.ToString());
            return;
        }

        json.WriteStartObject();
        foreach (var key in ModelShape.Of(record.GetType()).Keys)
        {
            var (value, from) = key.Property is { } property ? (property.GetValue(record), written?.Find(key.Name))
                : key.Source is null ? extra(record)
                : extra(record).Value is { } ours ? (key.Source.GetValue(ours), written?.Find(key.Name))
                : (null, null);
            if (value is not null)
            {
                WriteMember(key.Name, value, from);
            }
            else if (key is { TakesOff: true, Property: not null })
            {
                json.WriteString(key.Name, "off");
            }
        }

        json.WriteEndObject();
    }

    private void WriteEntries(IDictionary entries, ConfigNode? written)
    {
        // Whatever the spelling in the file, the keys are the same without regard to order.
        var ordered = entries.Keys.Cast<string>().Order(StringComparer.Ordinal);
        var hidesValues = entries is IReadOnlyDictionary<string, string> texts && Secrets.NamesSecretHeader(texts.Values);
        json.WriteStartObject();
        foreach (var name in ordered)
        {
            WriteMember(name, hidesValues && !showSecrets && name is "Set" or "Append" ? Secrets.Mask : entries[name], written?.Find(name));
        }

        json.WriteEndObject();
    }

    private void WriteItems(IEnumerable items, ConfigNode? written)
    {
        var nodes = written is null ? null : ConfigBinder.ItemsOf(written)?.ToArray();
        var index = 0;
        json.WriteStartArray();
        foreach (var item in items)
        {
            Write(item, nodes?.ElementAtOrDefault(index++));
        }

        json.WriteEndArray();
    }

    private void WriteMember(string name, object? value, ConfigNode? written)
    {
        json.WritePropertyName(name);
        Write(value is string && !showSecrets && Secrets.IsSecret(name) ? Secrets.Mask : value, written);
    }

    private void WriteEnum(Enum value)
    {
        // A set is a list of names; one that has a name of its own (Http1AndHttp2) is written by it.
        var names = value.ToString().Split(", ");
        if (names.Length == 1)
        {
            json.WriteStringValue(names[0]);
        }
        else
        {
            Write(names);
        }
    }

    private void WriteNode(ConfigNode node)
    {
        switch (node)
        {
            case ConfigObject entries:
                json.WriteStartObject();
                foreach (var (name, value) in entries.Members)
                {
                    WriteMember(name, value is ConfigScalar { ScalarKind: ScalarKind.String } text ? text.Text : value, value);
                }

                json.WriteEndObject();
                break;
            case ConfigArray list:
                Write(list.Items, list);
                break;
            case ConfigScalar { ScalarKind: ScalarKind.String } text:
                json.WriteStringValue(References.Escaped(text.Text));
                break;
            case ConfigScalar scalar:
                json.WriteRawValue(scalar.ScalarKind == ScalarKind.Null ? "null" : scalar.Text);
                break;
        }
    }
}
