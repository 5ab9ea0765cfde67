using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using ResilientProxy.CircuitBreaking;
using ResilientProxy.Forwarding;
using ResilientProxy.Values;

namespace ResilientProxy.Admin;

/// <summary><c>POST /circuits/{cluster}/{destination}/{verb}</c>: the operator's word over a destination's circuit breakers.</summary>
internal static class CircuitsEndpoint
{
    private const string Isolate = "isolate";
    private const string Close = "close";
    private const string Reset = "reset";

    // A 404 names what there is; of a very large config its beginning.
    private const int MostNames = 30;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Adds the endpoint.</summary>
    /// <param name="app">The admin listener.</param>
    /// <param name="guard">Who may use it.</param>
    /// <param name="models">What is in force.</param>
    /// <param name="logger">Takes the audit line.</param>
    public static void Map(WebApplication app, OperatorGuard guard, ProxyModelStore models, ILogger logger) => app.MapPost(
        "/circuits/{cluster}/{destination}/{verb}",
        guard.Protect(context => Act(context, models.Current!, Name(Segment(context, "cluster")), Name(Segment(context, "destination")), Segment(context, "verb"), logger)));

    private static Task Act(HttpContext context, ProxyModel model, string clusterName, string destinationName, string verb, ILogger logger)
    {
        if (!model.Clusters.TryGetValue(clusterName, out var cluster))
        {
            return NotFound(context, $"no cluster has that name; there are {Names(model.Clusters.Values.Select(known => known.Id))}");
        }

        var place = Array.FindIndex(cluster.Destinations, known => string.Equals(known.Id, destinationName, StringComparison.OrdinalIgnoreCase));
        if (place < 0)
        {
            return NotFound(context, $"cluster \"{cluster.Id}\" has no destination of that name; it has {Names(cluster.Destinations.Select(known => known.Id))}");
        }

        if (verb is not (Isolate or Close or Reset))
        {
            return NotFound(context, $"a circuit breaker takes {Names([Isolate, Close, Reset])}");
        }

        TimeSpan? ttl = null;
        if (context.Request.Query.TryGetValue("ttl", out var written))
        {
            if (!Duration.TryParse(written.ToString(), out var parsed) || parsed <= TimeSpan.Zero)
            {
                return Text(context, "ttl must be a duration above zero such as \"60s\" or \"5m\"; leave it out for no end", StatusCodes.Status400BadRequest);
            }

            ttl = parsed;
        }

        var circuits = CircuitsInForce.Of(model, cluster, place);
        if (circuits.Count == 0)
        {
            return Text(context, $"cluster \"{cluster.Id}\" has no circuit breaker: its CircuitBreaker is \"off\", or no route uses one", StatusCodes.Status409Conflict);
        }

        var destination = cluster.Destinations[place].Id;
        OperatorLog.Circuit(logger, context.Connection.RemoteIpAddress, verb, cluster.Id, destination, ttl is { } length && verb != Reset ? $" for {Duration.Format(length)}" : "");
        foreach (var circuit in circuits)
        {
            Apply(circuit, verb, ttl);
        }

        var others = CircuitsInForce.Others(model, cluster, circuits, place);
        return Answer.TextAsync(
            context,
            JsonSerializer.Serialize(
                new CircuitAnswer(cluster.Id, destination, verb, circuits.Count, others, NoteOf(model, cluster, verb, ttl, others), BreakerState.WorstOf(circuits)!), Json) + "\n",
            contentType: Answer.Json);
    }

    private static void Apply(CircuitBreaker circuit, string verb, TimeSpan? ttl)
    {
        switch (verb)
        {
            case Isolate:
                circuit.Isolate(ttl);
                break;
            case Close:
                circuit.Close(ttl);
                break;
            default:
                circuit.Reset();
                break;
        }
    }

    private static string? NoteOf(ProxyModel model, ProxyCluster cluster, string verb, TimeSpan? ttl, IReadOnlyList<string> others)
    {
        List<string> notes = [];
        if (others.Count > 0)
        {
            notes.Add($"the circuit breaker is shared (Scope): it stands before {Names(others)} too");
        }

        var plain = model.Routes.Values.Where(route => ReferenceEquals(route.Cluster, cluster) && route.Options.IsPlain).Select(route => route.Id).ToArray();
        if (plain.Length > 0)
        {
            notes.Add($"routes of the policy \"none\" have no circuit breaker and go on: {Names(plain)}");
        }

        if (verb == Reset && ttl is not null)
        {
            notes.Add("a reset is done once: the ttl means nothing to it");
        }

        return notes.Count == 0 ? null : string.Join("; ", notes);
    }

    private static string Segment(HttpContext context, string name) => (string)context.GetRouteValue(name)!;

    // Routing leaves an escaped slash as it is.
    private static string Name(string segment) => segment.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    private static string Names(IEnumerable<string> names)
    {
        var all = names.Order(StringComparer.OrdinalIgnoreCase).ToArray();
        return all.Length == 0 ? "none" : string.Join(", ", all.Take(MostNames).Select(name => $"\"{name}\"")) + (all.Length > MostNames ? $" and {all.Length - MostNames} more" : "");
    }

    private static Task NotFound(HttpContext context, string sentence) => Text(context, sentence, StatusCodes.Status404NotFound);

    private static Task Text(HttpContext context, string sentence, int status) => Answer.TextAsync(context, sentence + "\n", status);

    /// <summary>What was done.</summary>
    /// <param name="Cluster">The cluster.</param>
    /// <param name="Destination">The destination.</param>
    /// <param name="Verb">What was asked for.</param>
    /// <param name="Circuits">How many circuits it was done to.</param>
    /// <param name="AlsoAffects">Other destinations those circuits stand before.</param>
    /// <param name="Note">What else to know; null for nothing.</param>
    /// <param name="Breaker">The circuit afterwards.</param>
    private sealed record CircuitAnswer(
        string Cluster, string Destination, string Verb, int Circuits, IReadOnlyList<string> AlsoAffects, string? Note, BreakerState Breaker);
}
