namespace ResilientProxy.Configuration.Tree;

/// <summary>Lays one tree over another, key by key. Every value keeps the place where it was written.</summary>
internal static class TreeMerge
{
    /// <summary>Objects are merged; everything else, <c>null</c> and <c>"off"</c> too, takes the place of what lies below.</summary>
    public static ConfigNode Over(ConfigNode below, ConfigNode above)
    {
        if (below is not ConfigObject lower || above is not ConfigObject upper)
        {
            return above;
        }

        var merged = new ConfigObject(upper.Place, upper.Origin);
        foreach (var (key, value) in lower.Members)
        {
            merged.Set(key, upper[key] is { } mine ? Over(value, mine) : value);
        }

        foreach (var (key, value) in upper.Members)
        {
            merged.TryAdd(key, value);
        }

        return merged;
    }
}
