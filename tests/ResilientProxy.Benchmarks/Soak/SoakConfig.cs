namespace ResilientProxy.Benchmarks.Soak;

/// <summary>The proxy's config, a little different each time.</summary>
/// <param name="options">The load it is for.</param>
/// <param name="port">The traffic's port.</param>
/// <param name="adminPort">The admin endpoint's.</param>
/// <param name="upstreams">The upstreams' addresses.</param>
/// <param name="dead">An address where nobody listens.</param>
internal sealed class SoakConfig(SoakOptions options, int port, int adminPort, IReadOnlyList<string> upstreams, string dead)
{
    /// <summary>The file's text.</summary>
    /// <param name="version">Which: a destination is there or gone, a timer a little longer, a route and a cluster there or gone.</param>
    public string Text(int version) => $$"""
        {
          "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:{{port}}" } } },
          "Admin": { "Url": "http://127.0.0.1:{{adminPort}}", "DrainDelay": "0s", "DrainTimeout": "5s" },
          "AccessLog": { "Path": "stdout", "Format": "Json" },
          "Overload": "off",
          "ReverseProxy": {
            "Routes": {
              "main": { "ClusterId": "main", "Match": { "Path": "/main/{**rest}" },
                "Resilience": { "Timeouts": { "Attempt": "{{1000 + (version % 2 * 100)}}ms", "Total": "4s", "Idle": "10s" } } },
              "hedged": { "ClusterId": "main", "Match": { "Path": "/hedged/{**rest}" },
                "Resilience": { "Timeouts": { "Attempt": "1s", "Total": "4s", "Idle": "10s" }, "Hedging": { "Delay": "p95" } } }
              {{(version % 3 == 0 ? "" : ", \"spare\": { \"ClusterId\": \"spare\", \"Match\": { \"Path\": \"/spare/{**rest}\" } }")}}
            },
            "Clusters": {
              "main": {
                "LoadBalancingPolicy": "{{(options.Calm ? "RoundRobin" : "PeakEwma")}}",
                "Destinations": {
                  "a": { "Address": "{{upstreams[0]}}" }, "b": { "Address": "{{upstreams[1]}}" },
                  "c": { "Address": "{{upstreams[2]}}" }, "d": { "Address": "{{(version % 4 == 3 ? dead : upstreams[3])}}" }
                }
              }
              {{(version % 3 == 0 ? "" : $", \"spare\": {{ \"Destinations\": {{ \"a\": {{ \"Address\": \"{upstreams[0]}\" }} }} }}")}}
            }
          }
        }
        """;
}
