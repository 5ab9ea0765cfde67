namespace ResilientProxy.Values;

/// <summary>Says what the text of a value type of ours looks like, for error messages and for the schema.</summary>
/// <remarks>The type itself reads the text, by <see cref="IParsable{TSelf}"/>.</remarks>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Class)]
internal sealed class TextFormatAttribute(string expected, string pattern) : Attribute
{
    /// <summary>Completes "must be …" (<c>a number of requests, or "adaptive"</c>).</summary>
    public string Expected { get; } = expected;

    /// <summary>The regular expression of every text that is taken, ECMAScript dialect.</summary>
    public string Pattern { get; } = pattern;
}
