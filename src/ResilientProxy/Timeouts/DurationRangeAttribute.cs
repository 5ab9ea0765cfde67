namespace ResilientProxy.Timeouts;

/// <summary>The smallest and the largest duration a config key takes, both included.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DurationRangeAttribute(string minimum, string maximum) : Attribute
{
    /// <summary>The smallest value, in the config's own notation (<c>"1ms"</c>).</summary>
    public string Minimum { get; } = minimum;

    /// <summary>The largest value, in the config's own notation (<c>"24h"</c>).</summary>
    public string Maximum { get; } = maximum;

    /// <summary>Whether <c>"off"</c> is taken as well; it is read as <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public bool AllowOff { get; init; }
}
