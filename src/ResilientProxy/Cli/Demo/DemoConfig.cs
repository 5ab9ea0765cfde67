namespace ResilientProxy.Cli.Demo;

/// <summary>The config the demo runs with.</summary>
internal static class DemoConfig
{
    /// <summary>Where a route's requests go.</summary>
    /// <param name="route">The route.</param>
    public static string ClusterOf(string route) => route == "catalog" ? "catalog" : "orders";

    /// <summary>The cluster of an upstream.</summary>
    /// <param name="upstream">Its name.</param>
    public static string ClusterOfUpstream(string upstream) => upstream == "single" ? "catalog" : "orders";

    /// <summary>The file's text.</summary>
    /// <param name="urlOf">The address of an upstream by its name.</param>
    public static string Text(Func<string, string> urlOf) => $$"""
        {
          // The demo's config. Edit it while the demo runs: it takes effect at once.
          "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
          "Admin": { "Url": "http://127.0.0.1:0", "DrainDelay": "0s", "DrainTimeout": "2s" },
          "AccessLog": "off",
          "ReverseProxy": {
            "Routes": {
              "orders": {
                "ClusterId": "orders", "Match": { "Path": "/orders/{**rest}" },
                "Resilience": {
                  "Timeouts": { "Total": "3s", "Attempt": "500ms" },
                  "Hedging": { "MaxHedgedAttempts": 1, "Delay": "100ms", "MaxExtraLoad": 0.1 }
                }
              },
              "plain": { "ClusterId": "orders", "Match": { "Path": "/plain/{**rest}" }, "Resilience": { "Policy": "none" } },
              "catalog": {
                "ClusterId": "catalog", "Match": { "Path": "/catalog/{**rest}" },
                "Resilience": {
                  "Timeouts": { "Total": "2s", "Attempt": "500ms" },
                  "Fallback": { "ContentType": "application/json", "Body": "{\"items\":[]}" }
                }
              },
              "healthy": { "ClusterId": "healthy", "Match": { "Path": "/healthy/{**rest}" } },
              "slow": {
                "ClusterId": "slow", "Match": { "Path": "/slow/{**rest}" },
                "Resilience": { "Timeouts": { "Total": "2s", "Attempt": "1s" } }
              },
              "streaming": { "ClusterId": "streaming", "Match": { "Path": "/streaming/{**rest}" } },
              "dead": { "ClusterId": "dead", "Match": { "Path": "/dead/{**rest}" } }
            },
            "Clusters": {
              "orders": {
                "LoadBalancingPolicy": "RoundRobin",
                "Destinations": {
                  "a": { "Address": "{{urlOf("a")}}" },
                  "b": { "Address": "{{urlOf("b")}}" },
                  "c": { "Address": "{{urlOf("c")}}" }
                },
                "Resilience": { "CircuitBreaker": { "BreakDuration": "3s", "MaxBreakDuration": "6s" } }
              },
              "catalog": {
                "Destinations": { "single": { "Address": "{{urlOf("single")}}" } },
                "Resilience": { "CircuitBreaker": { "BreakDuration": "3s", "MaxBreakDuration": "6s" } }
              },
              "healthy": { "Destinations": { "healthy": { "Address": "{{urlOf("healthy")}}" } } },
              "slow": { "Destinations": { "slow": { "Address": "{{urlOf("slow")}}" } } },
              "streaming": { "Destinations": { "streaming": { "Address": "{{urlOf("streaming")}}" } } },
              "dead": { "Destinations": { "nobody": { "Address": "http://127.0.0.1:1" } } }
            }
          }
        }
        """;
}
