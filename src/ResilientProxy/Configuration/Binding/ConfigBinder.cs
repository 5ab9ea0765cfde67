using System.Collections;
using ResilientProxy.Configuration.Tree;

namespace ResilientProxy.Configuration.Binding;

/// <summary>Makes records of the tree. It never stops at a mistake: what is wrong is found and keeps its default, the rest is read.</summary>
internal sealed class ConfigBinder(Findings findings)
{
    /// <summary>Reads one object; every key that is absent or wrong keeps the record's initial value.</summary>
    public T Bind<T>(ConfigNode node)
        where T : class => TryBind(node, typeof(T), null, null, out var value) ? (T)value! : Activator.CreateInstance<T>();

    /// <summary>Reads the keys of ours that stand among YARP's own in one object; YARP's are read elsewhere.</summary>
    /// <param name="node">The object; null for nothing but defaults.</param>
    public T BindAmong<T>(ConfigObject? node)
        where T : class
    {
        var record = Activator.CreateInstance<T>();
        foreach (var key in ModelShape.Of(typeof(T)).Keys)
        {
            if (node?[key.Name] is { } child && TryBind(child, key.Type, key, key.Property!.GetValue(record), out var value))
            {
                key.Property.SetValue(record, value);
            }
        }

        return record;
    }

    private bool TryBind(ConfigNode node, Type type, ModelKey? key, object? start, out object? value)
    {
        value = null;
        if (type == typeof(ConfigObject))
        {
            value = node;
            return node is ConfigObject || Refuse(node, "must be an object");
        }

        if (node is ConfigScalar { IsOff: true } off && key is not null && (off.ScalarKind == ScalarKind.Null ? key.IsNullable : key.TakesOff))
        {
            return true;
        }

        if (ModelShape.IsRecord(type) && !ScalarConverter.Reads(type))
        {
            return node is ConfigObject fields
                ? (value = BindRecord(fields, type, start)) is not null
                : Refuse(node, key?.TakesOff == true ? "must be an object, or \"off\"" : "must be an object");
        }

        if (ModelShape.ValueOf(type) is { } valueType)
        {
            return node is ConfigObject entries ? (value = BindDictionary(entries, valueType)) is not null : Refuse(node, "must be an object");
        }

        if (ModelShape.ItemOf(type) is { } itemType)
        {
            return ItemsOf(node) is { } items ? (value = BindList(items, itemType)) is not null : Refuse(node, "must be a list: [ … ]");
        }

        if (!ScalarConverter.TryConvert(node, type, key, out value, out var expected))
        {
            return Refuse(node, expected);
        }

        return true;
    }

    private object BindRecord(ConfigObject node, Type type, object? start)
    {
        // The parent's initial value is the default of the whole object: a copy, because initial values may be shared.
        var record = start is null ? Activator.CreateInstance(type)! : ModelShape.Copy(start);
        var shape = ModelShape.Of(type);
        foreach (var (name, child) in node.Members)
        {
            if (shape[name] is not { } key)
            {
                findings.Error(child, YarpKeys.Refusal(type, name)
                    ?? $"is not a known key{NearestName.Hint(name, shape.Keys.Select(known => known.Name))}");
            }
            else if (key is { IsRequired: true, IsNullable: true } && child is ConfigScalar { ScalarKind: ScalarKind.Null })
            {
                findings.Error(child, "must not be null"); // to YARP's record it may be; it is as good as missing
            }
            else if (key.Property is { } property && TryBind(child, key.Type, key, property.GetValue(record), out var value))
            {
                property.SetValue(record, value);
            }
        }

        foreach (var key in shape.Keys.Where(key => key.IsRequired && node[key.Name] is null))
        {
            findings.Missing(node, key.Name, "is missing");
        }

        return record;
    }

    private IDictionary BindDictionary(ConfigObject node, Type valueType)
    {
        var entries = (IDictionary)Activator.CreateInstance(
            typeof(Dictionary<,>).MakeGenericType(typeof(string), valueType), StringComparer.OrdinalIgnoreCase)!;
        var fromKey = YarpKeys.FromKey(valueType);
        foreach (var (name, child) in node.Members)
        {
            if (valueType == typeof(string) && child is ConfigScalar { ScalarKind: ScalarKind.Number or ScalarKind.Boolean } plain)
            {
                entries.Add(name, plain.Text); // free-form strings: a number is its digits, as IConfiguration has it
            }
            else if (TryBind(child, valueType, null, null, out var value))
            {
                fromKey?.SetValue(value, name);
                entries.Add(name, value);
            }
        }

        return entries;
    }

    private IList BindList(IEnumerable<ConfigNode> items, Type itemType)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(itemType))!;
        foreach (var item in items)
        {
            if (TryBind(item, itemType, null, null, out var value))
            {
                list.Add(value);
            }
        }

        return list;
    }

    // Variables and arguments make a list item by item, under the keys 0, 1, 2: nothing else says that a list is meant.
    public static IEnumerable<ConfigNode>? ItemsOf(ConfigNode node) => node switch
    {
        ConfigArray list => list.Items,
        ConfigObject { Origin.Kind: not OriginKind.File } items when items.Members.Keys.All(key => int.TryParse(key, out _)) =>
            items.Members.OrderBy(item => int.Parse(item.Key, System.Globalization.CultureInfo.InvariantCulture)).Select(item => item.Value),
        _ => null,
    };

    private bool Refuse(ConfigNode node, string expected)
    {
        findings.Error(node, $"{expected}, but is {(Secrets.IsSecret(node.Path) ? "something else" : node.Kind)}");
        return false;
    }
}
