namespace ResilientProxy.Values;

/// <summary>Makes a number a size in bytes, and gives the smallest and the largest one its config key takes, both included.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SizeRangeAttribute(string minimum, string maximum) : Attribute
{
    /// <summary>The smallest value, in the config's own notation (<c>"1KiB"</c>).</summary>
    public string Minimum { get; } = minimum;

    /// <summary>The largest value, in the config's own notation (<c>"64MiB"</c>).</summary>
    public string Maximum { get; } = maximum;
}
