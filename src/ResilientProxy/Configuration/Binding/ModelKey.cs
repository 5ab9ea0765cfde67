using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using ResilientProxy.Timeouts;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Binding;

/// <summary>One key that an object of the config takes.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">The type of its value, without <see cref="Nullable{T}"/>.</param>
/// <param name="Property">The record's property; null for a key of ours inside a record of YARP's, which <see cref="ConfigFile"/> reads.</param>
/// <param name="IsNullable">Whether <c>null</c> is taken.</param>
/// <param name="IsRequired">Whether the key must be there.</param>
internal sealed record ModelKey(string Name, Type Type, PropertyInfo? Property, bool IsNullable, bool IsRequired)
{
    private Attributes? _attributes;
    private bool? _takesOff;

    /// <summary>Where a key of ours that stands directly in a record of YARP's is declared: the property of a record of ours.</summary>
    public PropertyInfo? Source { get; init; }

    public DurationRangeAttribute? DurationRange => AllAttributes.DurationRange;

    public SizeRangeAttribute? SizeRange => AllAttributes.SizeRange;

    public RangeAttribute? Range => AllAttributes.Range;

    /// <summary>The property that says range and meaning, of YARP's record or of ours.</summary>
    public PropertyInfo? Declared => Property ?? Source;

    /// <summary>Whether <c>"off"</c> is taken for <c>null</c>: for the objects of ours that may be absent.</summary>
    public bool TakesOff => _takesOff ??=
        IsNullable && ModelShape.IsRecord(Type) && Type.Assembly == typeof(ModelKey).Assembly && Type.Namespace != typeof(Kestrel.KestrelSection).Namespace;

    // Read once a key, and not once a value: a config may hold ten thousand of each.
    private Attributes AllAttributes => _attributes ??= new(Declared);

    private sealed class Attributes(PropertyInfo? property)
    {
        public readonly DurationRangeAttribute? DurationRange = property?.GetCustomAttribute<DurationRangeAttribute>();
        public readonly SizeRangeAttribute? SizeRange = property?.GetCustomAttribute<SizeRangeAttribute>();
        public readonly RangeAttribute? Range = property?.GetCustomAttribute<RangeAttribute>();
    }
}

/// <summary>What an object of the config may hold: the keys of one record.</summary>
/// <remarks>The binder, the writer and the schema's generator all look here, so that a new property is the whole of a new key.</remarks>
internal sealed class ModelShape
{
    private const string CloneMethod = "<Clone>$";

    private static readonly ConcurrentDictionary<Type, ModelShape> Known = new();
    private static readonly ConcurrentDictionary<Type, bool> Records = new();

    private readonly Dictionary<string, ModelKey> _byName = new(StringComparer.OrdinalIgnoreCase);

    private MethodInfo? _clone;

    private ModelShape(Type type)
    {
        var nullability = new NullabilityInfoContext();
        Keys = [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && !YarpKeys.IsFromKey(property) && YarpKeys.Refusal(type, property.Name) is null)
            .Select(property => new ModelKey(
                property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? property.Name,
                Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType,
                property,
                nullability.Create(property).WriteState == NullabilityState.Nullable,
                property.IsDefined(typeof(RequiredMemberAttribute)) || YarpKeys.IsRequired(property)))
            .Concat(YarpKeys.Extra(type))];
        foreach (var key in Keys)
        {
            _byName.Add(key.Name, key);
        }
    }

    /// <summary>The keys in the order of the record's properties.</summary>
    public IReadOnlyList<ModelKey> Keys { get; }

    public ModelKey? this[string name] => _byName.GetValueOrDefault(name);

    public static ModelShape Of(Type type) => Known.GetOrAdd(type, static type => new ModelShape(type));

    /// <summary>Whether values of a type are objects with fixed keys.</summary>
    public static bool IsRecord(Type type) => Records.GetOrAdd(type, static type => type.IsClass && type.GetMethod(CloneMethod) is not null);

    /// <summary>A copy of a record.</summary>
    /// <param name="record">The record.</param>
    public static object Copy(object record) => (Of(record.GetType())._clone ??= record.GetType().GetMethod(CloneMethod)!).Invoke(record, null)!;

    /// <summary>The type of the items when <paramref name="type"/> is a list, else null.</summary>
    public static Type? ItemOf(Type type) => Argument(type, typeof(IReadOnlyList<>), 0);

    /// <summary>The type of the values when <paramref name="type"/> is a dictionary, else null.</summary>
    public static Type? ValueOf(Type type) => Argument(type, typeof(IReadOnlyDictionary<,>), 1);

    private static Type? Argument(Type type, Type generic, int index) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == generic ? type.GetGenericArguments()[index] : null;
}
