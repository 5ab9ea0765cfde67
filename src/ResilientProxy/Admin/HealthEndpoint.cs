using System.Buffers;
using System.Text;
using System.Text.Json;
using ResilientProxy.Health;

namespace ResilientProxy.Admin;

/// <summary>What <c>GET /health</c> answers: the state of every destination by its active checks.</summary>
internal static class HealthEndpoint
{
    /// <summary>Adds the path.</summary>
    /// <param name="app">The admin application.</param>
    /// <param name="monitor">Who knows.</param>
    public static void Map(WebApplication app, HealthMonitor monitor) =>
        app.MapGet("/health", context => Answer.TextAsync(context, Write(monitor.Clusters.Values), contentType: Answer.Json));

    /// <summary>Writes the answer; "healthy" is true while every cluster has a destination that may be well.</summary>
    /// <param name="clusters">The clusters.</param>
    internal static string Write(IEnumerable<ClusterHealth> clusters)
    {
        var known = clusters.OrderBy(cluster => cluster.Plan.Cluster, StringComparer.OrdinalIgnoreCase).Select(cluster => (Health: cluster, cluster.Status)).ToArray();
        var healthy = !known.Any(cluster => cluster.Status == "unhealthy");
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteBoolean("healthy", healthy);
            json.WriteString("status", !healthy ? "unhealthy" : known.All(cluster => cluster.Status == "healthy") ? "healthy" : "degraded");
            json.WriteStartObject("clusters");
            foreach (var (cluster, status) in known)
            {
                json.WriteStartObject(cluster.Plan.Cluster);
                json.WriteString("status", status);
                json.WriteBoolean("panic", cluster.IsPanicking);
                json.WriteStartObject("destinations");
                foreach (var target in cluster.Plan.Targets)
                {
                    WriteDestination(json, target);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteDestination(Utf8JsonWriter json, HealthTarget target)
    {
        var health = target.Health;
        json.WriteStartObject(target.Destination);
        json.WriteString("state", health.State switch
        {
            HealthState.Healthy => "healthy",
            HealthState.Unhealthy => "unhealthy",
            _ => "unknown",
        });
        json.WriteBoolean("healthy", health.State == HealthState.Healthy);
        json.WriteBoolean("checked", health.IsChecked);
        if (health.LastCheck is { } at)
        {
            json.WriteString("lastCheck", at);
        }
        else
        {
            json.WriteNull("lastCheck");
        }

        json.WriteString("reason", health.Reason); // null where the last check went well
        json.WriteEndObject();
    }
}
