using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>YARP with nothing around it, and nothing that logs: what ResilientProxy is measured against. Run as a process of its own.</summary>
internal static class BareYarp
{
    /// <summary>Where it says how many bytes it has allocated so far.</summary>
    public const string AllocatedPath = "/allocated";

    /// <summary>Serves until the process is ended.</summary>
    /// <param name="url">Where it listens.</param>
    /// <param name="upstream">Where every request goes.</param>
    /// <param name="http2">HTTP/2 without TLS on both sides, in place of HTTP/1.1.</param>
    public static async Task<int> RunAsync(string url, string upstream, bool http2)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url);
        if (http2)
        {
            builder.WebHost.ConfigureKestrel(static kestrel => kestrel.ConfigureEndpointDefaults(static listen => listen.Protocols = HttpProtocols.Http2));
        }

        builder.Services.AddRoutingCore();
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "upstream", Match = new RouteMatch { Path = "/{**rest}" } }],
            [
                new ClusterConfig
                {
                    ClusterId = "upstream",
                    Destinations = new Dictionary<string, DestinationConfig> { ["a"] = new() { Address = upstream } },
                    HttpRequest = http2 ? new ForwarderRequestConfig { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact } : null,
                },
            ]);
        await using var app = builder.Build();
        app.UseRouting();
        app.MapGet(AllocatedPath, static context => context.Response.WriteAsync(GC.GetTotalAllocatedBytes().ToString(CultureInfo.InvariantCulture)));
        app.MapReverseProxy();
        await app.RunAsync();
        return 0;
    }
}
