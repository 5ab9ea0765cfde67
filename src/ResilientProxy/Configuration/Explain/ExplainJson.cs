using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ResilientProxy.Errors;
using ResilientProxy.Values;

namespace ResilientProxy.Configuration.Explain;

/// <summary>Writes explanations for programs: one JSON object, whose keys stay as they are.</summary>
internal static class ExplainJson
{
    // For a terminal or a program, never for a page: quotes and arrows stay readable.
    private static readonly JsonWriterOptions Format = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the routes and what was found.</summary>
    /// <param name="routes">The routes; none where the config has errors.</param>
    /// <param name="findings">What was found.</param>
    public static string Write(IEnumerable<RouteExplanation> routes, IEnumerable<ConfigFinding> findings)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Format))
        {
            json.WriteStartObject();
            json.WriteStartArray("routes");
            foreach (var route in routes)
            {
                WriteRoute(json, route);
            }

            json.WriteEndArray();
            json.WriteStartArray("findings");
            foreach (var finding in findings)
            {
                WriteFinding(json, finding);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteRoute(Utf8JsonWriter json, RouteExplanation route)
    {
        var (load, time) = (route.Load, route.Time);
        json.WriteStartObject();
        json.WriteString("id", route.Id);
        json.WriteString("cluster", route.Cluster.Id);
        json.WriteString("policyName", route.PolicyName);
        WriteValues(json, "policy", route.Policy);
        json.WriteBoolean("clusterProtects", route.IsProtected);
        WriteValues(json, "clusterProtection", route.Cluster.Values);
        if (route.Backup is { } backup)
        {
            json.WriteString("backupCluster", backup.Id);
            WriteValues(json, "backupClusterProtection", backup.Values);
        }

        json.WriteString("worstCaseTime", Duration.Format(time.Worst));
        json.WriteString("worstCaseArithmetic", time.Arithmetic);
        json.WriteString("attemptsTime", Duration.Format(time.Attempts));
        json.WriteString("attemptsArithmetic", time.AttemptsArithmetic);
        json.WriteNumber("maxAttempts", load.MaxAttempts);
        json.WriteNumber("maxRetries", load.Retries);
        json.WriteNumber("maxHedges", load.Hedges);
        json.WriteNumber("maxBackupAttempts", load.BackupAttempts);
        json.WriteNumber("maxAmplification", load.MaxAttempts);
        json.WriteNumber("sustainedAmplification", load.Sustained);
        json.WriteString("sustainedArithmetic", load.SustainedArithmetic);
        json.WriteEndObject();
    }

    private static void WriteValues(Utf8JsonWriter json, string name, IEnumerable<ExplainedValue> values)
    {
        json.WriteStartObject(name);
        foreach (var value in values)
        {
            json.WriteStartObject(value.Key);
            json.WritePropertyName("value");
            value.Value.WriteTo(json);
            json.WriteString("origin", value.Origin);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteFinding(Utf8JsonWriter json, ConfigFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("severity", finding.Severity == FindingSeverity.Error ? "error" : "warning");
        json.WriteString("path", finding.Path);
        json.WriteString("message", finding.Message);
        json.WriteNumber("line", finding.Line);
        json.WriteEndObject();
    }
}
