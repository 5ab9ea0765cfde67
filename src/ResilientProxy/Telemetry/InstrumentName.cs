namespace ResilientProxy.Telemetry;

/// <summary>OpenTelemetry names as Prometheus wants them.</summary>
internal static class InstrumentName
{
    /// <summary>
    /// Dots become underscores; the unit and, for counters, <c>_total</c> are appended. A trailing <c>.count</c> becomes a plural
    /// (<c>dotnet.timer.count</c>: <c>dotnet_timers</c>), because <c>_count</c> belongs to histograms.
    /// </summary>
    public static string Exported(string name, string? unit, MetricType type)
    {
        var exported = name.EndsWith(".count", StringComparison.Ordinal) ? Plural(Label(name[..^".count".Length])) : Label(name);
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "", // annotations such as {thread} say nothing that the name does not
        };
        if (!exported.EndsWith(suffix, StringComparison.Ordinal))
        {
            exported += suffix;
        }

        return type is MetricType.Counter ? exported + "_total" : exported;
    }

    /// <summary>A name with underscores for everything that a label or metric name must not hold.</summary>
    public static string Label(string name) => string.Create(name.Length, name, static (label, name) =>
    {
        for (var i = 0; i < name.Length; i++)
        {
            label[i] = char.IsAsciiLetter(name[i]) || (i > 0 && char.IsAsciiDigit(name[i])) ? name[i] : '_';
        }
    });

    private static string Plural(string name) => name.EndsWith('y') ? name[..^1] + "ies" : name + "s";
}
