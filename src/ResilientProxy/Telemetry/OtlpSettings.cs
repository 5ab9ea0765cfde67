namespace ResilientProxy.Telemetry;

/// <summary>What OpenTelemetry's standard environment variables say about the export of one signal.</summary>
/// <param name="Endpoint">Where to, of the variable for this signal alone, and taken as it is; null where the common variable, to which the signal's path is added, counts.</param>
/// <param name="Variables">All the variables, those for this signal alone in the place of the common ones.</param>
internal sealed record OtlpSettings(Uri? Endpoint, IConfiguration Variables)
{
    private const string Common = "OTEL_EXPORTER_OTLP_";

    /// <summary>The settings of a signal; null where it is not exported: no endpoint is named, or a variable says not to.</summary>
    /// <param name="signal">"TRACES" or "METRICS".</param>
    /// <param name="environment">The environment variables.</param>
    /// <exception cref="FormatException">An endpoint is no absolute URL.</exception>
    public static OtlpSettings? Of(string signal, IReadOnlyList<KeyValuePair<string, string>> environment)
    {
        // An empty variable is the same as none, as OpenTelemetry has it.
        var variables = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in environment)
        {
            if (name.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrWhiteSpace(value))
            {
                variables[name] = value.Trim();
            }
        }

        var own = $"{Common}{signal}_";
        var endpoint = variables.GetValueOrDefault(own + "ENDPOINT");
        var named = endpoint ?? variables.GetValueOrDefault(Common + "ENDPOINT");
        if (named is null || Says("OTEL_SDK_DISABLED", "true") || Says($"OTEL_{signal}_EXPORTER", "none"))
        {
            return null;
        }

        if (!Uri.TryCreate(named, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new FormatException($"{(endpoint is null ? Common : own)}ENDPOINT must be a URL such as http://localhost:4317, but is \"{named}\"");
        }

        foreach (var (name, value) in variables.Where(variable => variable.Key.StartsWith(own, StringComparison.OrdinalIgnoreCase) && variable.Key.Length > own.Length).ToArray())
        {
            variables[Common + name[own.Length..]] = value;
        }

        return new(endpoint is null ? null : url, new ConfigurationBuilder().AddInMemoryCollection(variables).Build());

        bool Says(string name, string value) => string.Equals(variables.GetValueOrDefault(name), value, StringComparison.OrdinalIgnoreCase);
    }
}
