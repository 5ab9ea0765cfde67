using System.Text.Json;

namespace ResilientProxy.Configuration.Explain;

/// <summary>One value in force, and where it comes from.</summary>
/// <param name="Key">The key's path below the <c>Resilience</c> object: <c>Timeouts.Total</c>.</param>
/// <param name="Value">The value in the config's own notation; secrets are masked.</param>
/// <param name="Origin">Where it comes from, in words.</param>
internal sealed record ExplainedValue(string Key, JsonElement Value, string Origin)
{
    /// <summary>The value as people read it: strings without quotes, lists without brackets.</summary>
    public string Text => TextOf(Value);

    private static string TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "not set",
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array => string.Join(", ", value.EnumerateArray().Select(TextOf)),
        _ => value.GetRawText(),
    };
}
