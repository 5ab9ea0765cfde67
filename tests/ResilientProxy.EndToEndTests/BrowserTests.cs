using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

public sealed class BrowserTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-browser-");

    public void Dispose() => _folder.Delete(recursive: true);

    [BrowserFact]
    public async Task A_real_browser_sees_a_breaker_open_within_two_seconds_and_steers_the_proxy()
    {
        await using var good = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var bad = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        var file = Path.Combine(_folder.FullName, "proxy.json");
        await File.WriteAllTextAsync(file, RunningProxy.ConfigText(
            $$"""
            {
              "Routes": {
                "good": { "ClusterId": "good", "Match": { "Path": "/good/{**rest}" } },
                "bad": { "ClusterId": "bad", "Match": { "Path": "/bad/{**rest}" }, "Resilience": { "Retry": { "MaxRetryAttempts": 1, "Delay": "1ms" } } }
              },
              "Clusters": {
                "good": { "Destinations": { "a": { "Address": "{{good.Url}}" } } },
                "bad": {
                  "Destinations": { "a": { "Address": "{{bad.Url}}" } },
                  "Resilience": { "CircuitBreaker": { "BreakDuration": "60s" } }
                }
              }
            }
            """,
            admin: "\"Token\": \"t0ken\""));
        await using var proxy = await ProxyProcess.ServeAsync(file);

        var start = new ProcessStartInfo(
            BrowserFactAttribute.Node!, ["dashboard.mjs", BrowserFactAttribute.Chromium!, proxy.AdminUrl, proxy.Url, "t0ken", _folder.FullName])
        {
            WorkingDirectory = BrowserFactAttribute.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var node = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var output = node.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = node.StandardError.ReadToEndAsync(limit.Token);
        await node.WaitForExitAsync(limit.Token);

        Assert.True(node.ExitCode == 0, $"{await output}\n{await errors}\n{proxy.Errors}");
        Assert.Contains("no complaint in the console, no request to another host", await output);
        Assert.Equal(0, await proxy.ExitAsync());
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { Length: > 0 } kept)
        {
            foreach (var picture in _folder.GetFiles("*.png"))
            {
                picture.CopyTo(Path.Combine(kept, picture.Name), overwrite: true);
            }
        }
    }
}
