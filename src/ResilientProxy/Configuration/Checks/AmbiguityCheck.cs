using System.Globalization;
using Microsoft.AspNetCore.Routing.Patterns;
using ResilientProxy.Configuration.Tree;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Configuration.Checks;

/// <summary>Finds routes that take the same requests with the same right: routing would answer those requests with 500.</summary>
internal static class AmbiguityCheck
{
    /// <summary>Holds every route against the others; patterns must have been checked before.</summary>
    /// <param name="root">The config as written.</param>
    /// <param name="document">The config as read.</param>
    /// <param name="findings">Takes what is found.</param>
    public static void Run(ConfigObject root, ConfigDocument document, Findings findings)
    {
        var readable = document.ReverseProxy.Routes.Where(route => route.Value.Match is not null && !findings.HasErrorsIn(NodeOf(route.Key)));
        foreach (var alike in readable.ToArray().GroupBy(route => Signature(route.Value), StringComparer.OrdinalIgnoreCase))
        {
            var earlier = new List<KeyValuePair<string, RouteConfig>>();
            foreach (var route in alike)
            {
                var twin = earlier.Find(other => Overlap(route.Value.Match.Hosts, other.Value.Match.Hosts) && Overlap(route.Value.Match.Methods, other.Value.Match.Methods));
                if (twin.Key is { } name)
                {
                    findings.Error(
                        NodeOf(route.Key).Nearest("Match"),
                        $"takes the same requests as route \"{name}\" (line {NodeOf(name).Nearest("Match").Origin.Line}), with the same Order; give one of them another Match or Order");
                }

                earlier.Add(route);
            }
        }

        ConfigNode NodeOf(string route) => root.Nearest("ReverseProxy", "Routes", route);
    }

    // No names at all is less specific than some, which decides; two sets of names clash where they share one.
    private static bool Overlap(IReadOnlyList<string>? a, IReadOnlyList<string>? b) =>
        a is not { Count: > 0 } ? b is not { Count: > 0 } : b is not null && a.Intersect(b, StringComparer.OrdinalIgnoreCase).Any();

    private static string Signature(RouteConfig route)
    {
        var match = route.Match;
        var headers = match.Headers?.Select(header => $"{header.Name}:{header.Mode}:{header.IsCaseSensitive}:{Sorted(header.Values)}") ?? [];
        var parameters = match.QueryParameters?.Select(query => $"?{query.Name}:{query.Mode}:{query.IsCaseSensitive}:{Sorted(query.Values)}") ?? [];
        return string.Join('\n', [
            (route.Order ?? 0).ToString(CultureInfo.InvariantCulture),
            string.IsNullOrEmpty(match.Path) ? "{**}" : Shape(RoutePatternFactory.Parse(match.Path)),
            .. headers.Order(StringComparer.Ordinal),
            .. parameters.Order(StringComparer.Ordinal)]);
    }

    private static string Sorted(IEnumerable<string>? values) => string.Join('|', (values ?? []).Order(StringComparer.Ordinal));

    // What a parameter is called makes no difference, what it takes does.
    private static string Shape(RoutePattern pattern) =>
        string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
        {
            RoutePatternLiteralPart literal => literal.Content,
            RoutePatternSeparatorPart separator => separator.Content,
            RoutePatternParameterPart parameter => $"{{{(parameter.IsCatchAll ? "**" : "")}{string.Concat(parameter.ParameterPolicies.Select(policy => ":" + policy.Content))}}}",
            _ => "",
        }))));
}
