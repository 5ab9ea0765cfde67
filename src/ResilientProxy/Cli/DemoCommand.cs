using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using ResilientProxy.Hosting;

namespace ResilientProxy.Cli;

/// <summary><c>demo</c>: three upstreams in this process, the proxy in front of them, and lines to try.</summary>
internal static class DemoCommand
{
    /// <summary>Runs until Ctrl+C.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync()
    {
        await using var healthy = await StartAsync(static app => app.Run(static context => context.Response.WriteAsync("hello from the healthy upstream\n")));
        await using var slow = await StartAsync(static app => app.Run(static async context =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), context.RequestAborted);
            await context.Response.WriteAsync("hello from the slow upstream, three seconds later\n", context.RequestAborted);
        }));
        await using var streaming = await StartAsync(static app => app.Run(static async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 1; i <= 20; i++)
            {
                await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"data: event {i} of 20\n\n"), context.RequestAborted);
                await Task.Delay(TimeSpan.FromMilliseconds(500), context.RequestAborted);
            }
        }));

        var file = Path.Combine(Path.GetTempPath(), $"resilient-proxy-demo-{Environment.ProcessId}.json");
        await File.WriteAllTextAsync(file, Config(healthy, slow, streaming));
        try
        {
            await using var output = Console.OpenStandardOutput();
            return await RunCommand.RunAsync(
                new ProxyAppOptions { ConfigPath = file, StandardOutput = output, Logging = RunCommand.LogToStandardError }, PrintAsync);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task PrintAsync(ProxyApp app)
    {
        var proxy = app.TrafficUrls[0];
        await Console.Out.WriteLineAsync($"""

            Try these in another terminal; each request leaves one line of the access log here:

              curl {proxy}/healthy                 an answer, passed through
              curl -i {proxy}/slow                  the upstream takes 3 s, the route allows an attempt 1 s: 504, and why
              curl -N {proxy}/streaming             events as they come, one every half second for ten seconds
              curl -i {proxy}/dead                  nobody listens there: 502, and why
              curl -i {proxy}/nowhere               no route: 404, and why
              curl {app.AdminUrl}/metrics           what Prometheus would scrape

            The config is {Path.GetFullPath(app.Reloader.Path)}: edit it and it takes effect at once. Ctrl+C ends the demo.

            """);
    }

    private static async Task<WebApplication> StartAsync(Action<WebApplication> configure)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        var app = builder.Build();
        configure(app);
        await app.StartAsync();
        return app;
    }

    private static string UrlOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    private static string Config(WebApplication healthy, WebApplication slow, WebApplication streaming) => $$"""
        {
          // The demo's config. Edit it while the demo runs.
          "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:0" } } },
          "Admin": { "Url": "http://127.0.0.1:0", "DrainDelay": "0s", "DrainTimeout": "2s" },
          "ReverseProxy": {
            "Routes": {
              "healthy": { "ClusterId": "healthy", "Match": { "Path": "/healthy/{**rest}" } },
              "slow": {
                "ClusterId": "slow", "Match": { "Path": "/slow/{**rest}" },
                "Resilience": { "Timeouts": { "Attempt": "1s", "Total": "2s" } }
              },
              "streaming": { "ClusterId": "streaming", "Match": { "Path": "/streaming/{**rest}" } },
              "dead": { "ClusterId": "dead", "Match": { "Path": "/dead/{**rest}" } }
            },
            "Clusters": {
              "healthy": { "Destinations": { "a": { "Address": "{{UrlOf(healthy)}}" } } },
              "slow": { "Destinations": { "a": { "Address": "{{UrlOf(slow)}}" } } },
              "streaming": { "Destinations": { "a": { "Address": "{{UrlOf(streaming)}}" } } },
              "dead": { "Destinations": { "a": { "Address": "http://127.0.0.1:1" } } }
            }
          }
        }
        """;
}
