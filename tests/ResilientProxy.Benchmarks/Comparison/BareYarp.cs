using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Configuration;

namespace ResilientProxy.Benchmarks.Comparison;

/// <summary>YARP with nothing around it, and nothing that logs: what ResilientProxy is measured against. Run as a process of its own.</summary>
internal static class BareYarp
{
    /// <summary>Where it says how many bytes it has allocated so far.</summary>
    public const string AllocatedPath = "/allocated";

    /// <summary>Serves until the process is ended.</summary>
    /// <param name="url">Where it listens.</param>
    /// <param name="upstream">Where every request goes.</param>
    public static async Task<int> RunAsync(string url, string upstream)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url);
        builder.Services.AddRoutingCore();
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "upstream", Match = new RouteMatch { Path = "/{**rest}" } }],
            [new ClusterConfig { ClusterId = "upstream", Destinations = new Dictionary<string, DestinationConfig> { ["a"] = new() { Address = upstream } } }]);
        await using var app = builder.Build();
        app.UseRouting();
        app.MapGet(AllocatedPath, static context => context.Response.WriteAsync(GC.GetTotalAllocatedBytes().ToString(CultureInfo.InvariantCulture)));
        app.MapReverseProxy();
        await app.RunAsync();
        return 0;
    }
}
