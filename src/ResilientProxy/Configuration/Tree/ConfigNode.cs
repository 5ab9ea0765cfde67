namespace ResilientProxy.Configuration.Tree;

/// <summary>One value of the config as written, before it means anything: what it is, where it stands and where it came from.</summary>
/// <param name="place">Where it was written.</param>
/// <param name="origin">Where it came from.</param>
internal abstract class ConfigNode(ConfigPath place, ConfigOrigin origin)
{
    /// <summary>Where it was written. Merging layers does not change it.</summary>
    public ConfigPath Place { get; } = place;

    /// <summary>The JSON path where it was written, from <c>$</c>.</summary>
    public string Path => Place.ToString();

    /// <summary>Where it came from.</summary>
    public ConfigOrigin Origin { get; } = origin;

    /// <summary>The kind of value in words, for messages: <c>an object</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether it is <c>null</c> or <c>"off"</c>: what removes a strategy.</summary>
    public virtual bool IsOff => false;

    /// <summary>Whether it, or something in it, came from outside the config by a reference: what must never be shown.</summary>
    public abstract bool HoldsSecret { get; }

    /// <summary>The node below these keys; null where one of them is missing. Numbers count through lists.</summary>
    public ConfigNode? Find(params ReadOnlySpan<string> keys) => keys.IsEmpty
        ? this
        : this switch
        {
            ConfigObject node => node[keys[0]]?.Find(keys[1..]),
            ConfigArray node when int.TryParse(keys[0], out var index) && index < node.Items.Count => node.Items[index].Find(keys[1..]),
            _ => null,
        };

    /// <summary>The node below these keys, or as near to it as the tree goes.</summary>
    public ConfigNode Nearest(params ReadOnlySpan<string> keys)
    {
        for (var length = keys.Length; ; length--)
        {
            if (Find(keys[..length]) is { } node)
            {
                return node;
            }
        }
    }
}

/// <summary>An object: keys and values in the order of the file. Keys are equal whatever their case, as everywhere in ASP.NET's configuration.</summary>
internal sealed class ConfigObject(ConfigPath place, ConfigOrigin origin) : ConfigNode(place, origin)
{
    private readonly OrderedDictionary<string, ConfigNode> _members = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The members, with their keys as written.</summary>
    public IReadOnlyDictionary<string, ConfigNode> Members => _members;

    public override string Kind => "an object";

    public override bool HoldsSecret => _members.Values.Any(static value => value.HoldsSecret);

    /// <summary>A member's value, or null. Setting keeps the spelling that came first.</summary>
    public ConfigNode? this[string key] => _members.GetValueOrDefault(key);

    /// <summary>Adds a member; false where the key is there already.</summary>
    public bool TryAdd(string key, ConfigNode value) => _members.TryAdd(key, value);

    /// <summary>Adds a member or replaces its value; the key keeps the spelling that came first.</summary>
    public void Set(string key, ConfigNode value)
    {
        if (_members.IndexOf(key) is >= 0 and var index)
        {
            _members.SetAt(index, value);
        }
        else
        {
            _members.Add(key, value);
        }
    }
}

/// <summary>A list.</summary>
internal sealed class ConfigArray(ConfigPath place, ConfigOrigin origin) : ConfigNode(place, origin)
{
    public List<ConfigNode> Items { get; } = [];

    public override string Kind => "a list";

    public override bool HoldsSecret => Items.Any(static item => item.HoldsSecret);
}

/// <summary>What kind of value a <see cref="ConfigScalar"/> was written as.</summary>
internal enum ScalarKind
{
    String,
    Number,
    Boolean,
    Null,
}

/// <summary>A value without parts.</summary>
/// <param name="place">Where it was written.</param>
/// <param name="origin">Where it came from; the variables and arguments know strings only.</param>
/// <param name="scalarKind">What it was written as.</param>
/// <param name="text">The text: a string's content, a number's digits, "true", "false", or nothing for null.</param>
/// <param name="isSecret">Whether part of the text came by a reference, see <see cref="References"/>.</param>
internal sealed class ConfigScalar(ConfigPath place, ConfigOrigin origin, ScalarKind scalarKind, string text, bool isSecret = false) : ConfigNode(place, origin)
{
    public ScalarKind ScalarKind { get; } = scalarKind;

    public string Text { get; } = text;

    public override bool IsOff => ScalarKind == ScalarKind.Null || (ScalarKind == ScalarKind.String && Text.Equals("off", StringComparison.OrdinalIgnoreCase));

    public override bool HoldsSecret { get; } = isSecret;

    public override string Kind => ScalarKind switch
    {
        _ when HoldsSecret => "something else", // never the value
        ScalarKind.Null => "null",
        ScalarKind.String => $"\"{Text}\"",
        _ => Text,
    };
}
