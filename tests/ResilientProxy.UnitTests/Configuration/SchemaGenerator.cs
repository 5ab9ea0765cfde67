using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ResilientProxy.Configuration;
using ResilientProxy.Configuration.Binding;
using ResilientProxy.Configuration.Tree;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Configuration;

/// <summary>Makes the JSON Schema of the config from the model that the binder reads by, with the words of the XML docs.</summary>
internal static partial class SchemaGenerator
{
    private static readonly Dictionary<string, string> Docs = ReadDocs();

    /// <summary>The schema as it must stand in the repository.</summary>
    public static string Generate()
    {
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "ResilientProxy config",
        };
        foreach (var (name, value) in RecordOf(typeof(ConfigDocument), new ConfigDocument { Kestrel = new() }))
        {
            schema[name] = value?.DeepClone();
        }

        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }

    private static JsonObject RecordOf(Type type, object? defaults)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var key in ModelShape.Of(type).Keys)
        {
            var initial = key.Source is { } source ? source.GetValue(Fresh(source.DeclaringType!)) : defaults is null ? null : key.Property?.GetValue(defaults);
            var schema = ValueOf(key.Type, key, initial);
            if (Describe(key) is { } words)
            {
                schema["description"] = words;
            }

            properties[key.Name] = schema;
            if (key.IsRequired)
            {
                required.Add(key.Name);
            }
        }

        var record = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (required.Count > 0)
        {
            record["required"] = required;
        }

        return record;
    }

    private static JsonObject ValueOf(Type type, ModelKey? key, object? initial)
    {
        if (type == typeof(ConfigObject))
        {
            return new JsonObject { ["type"] = "object" };
        }

        if (ModelShape.IsRecord(type) && !ScalarConverter.Reads(type))
        {
            var record = RecordOf(type, initial ?? Fresh(type));
            return key?.TakesOff == true ? new JsonObject { ["anyOf"] = new JsonArray(record, new JsonObject { ["enum"] = new JsonArray("off", null) }) } : record;
        }

        if (ModelShape.ValueOf(type) is { } value)
        {
            return new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = value == typeof(string) ? Types("string", "number", "boolean") : ValueOf(value, null, Fresh(value)),
            };
        }

        if (ModelShape.ItemOf(type) is { } item)
        {
            return new JsonObject { ["type"] = "array", ["items"] = ValueOf(item, null, Fresh(item)) };
        }

        return ScalarOf(type, key, initial);
    }

    private static JsonObject ScalarOf(Type type, ModelKey? key, object? initial)
    {
        var schema = new JsonObject();
        if (type == typeof(TimeSpan))
        {
            var off = key?.DurationRange?.AllowOff == true;
            schema["type"] = "string";
            schema["pattern"] = off ? $"{Duration.Pattern}|^off$" : Duration.Pattern;
            schema["default"] = initial is TimeSpan span ? Duration.Format(span) : null;
        }
        else if (key?.SizeRange is not null)
        {
            schema = Types("integer", "string");
            schema["pattern"] = ByteSize.Pattern;
            schema["default"] = initial is null ? null : ByteSize.Format(Convert.ToInt64(initial, CultureInfo.InvariantCulture));
        }
        else if (type == typeof(bool))
        {
            schema["type"] = "boolean";
            schema["default"] = initial is bool flag ? flag : null;
        }
        else if (type == typeof(int) || type == typeof(long) || type == typeof(double))
        {
            schema["type"] = type == typeof(double) ? "number" : "integer";
            if (key?.Range is { } range)
            {
                schema["minimum"] = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
                schema["maximum"] = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
            }

            schema["default"] = initial is null ? null : JsonValue.Create(Convert.ToDouble(initial, CultureInfo.InvariantCulture));
        }
        else if (type.IsEnum)
        {
            var names = new JsonObject { ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(name => JsonValue.Create(name))]) };
            schema = type.IsDefined(typeof(FlagsAttribute))
                ? new JsonObject { ["anyOf"] = new JsonArray(names, new JsonObject { ["type"] = "array", ["items"] = names.DeepClone() }) }
                : names;
            schema["default"] = initial?.ToString();
        }
        else if (ScalarConverter.Reads(type) && type.GetCustomAttribute<TextFormatAttribute>() is { } format)
        {
            schema = Types("string", "number");
            schema["pattern"] = format.Pattern;
            schema["default"] = initial?.ToString();
        }
        else
        {
            schema = type == typeof(Version) ? Types("string", "number") : new JsonObject { ["type"] = "string" };
            schema["default"] = initial as string;
        }

        if (schema["default"] is null)
        {
            schema.Remove("default");
        }

        return schema;
    }

    private static JsonObject Types(params IEnumerable<string> names) => new() { ["type"] = new JsonArray([.. names.Select(name => JsonValue.Create(name))]) };

    private static object? Fresh(Type type) => ModelShape.IsRecord(type) && type.GetConstructor([]) is not null ? Activator.CreateInstance(type) : null;

    private static string? Describe(ModelKey key) => key.Declared is { } property
        ? Docs.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}")
        : Docs.GetValueOrDefault($"T:{key.Type.FullName}");

    private static Dictionary<string, string> ReadDocs() =>
        XDocument.Load(Path.ChangeExtension(typeof(ConfigDocument).Assembly.Location, ".xml"))
            .Descendants("member")
            .Where(member => member.Element("summary") is not null)
            .ToDictionary(member => member.Attribute("name")!.Value, member => Spaces().Replace(member.Element("summary")!.Value, " ").Trim());

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
