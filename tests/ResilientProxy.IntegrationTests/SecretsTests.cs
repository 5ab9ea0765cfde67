using System.Net;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>Secrets by reference in a running proxy: at work, and shown nowhere.</summary>
public sealed class SecretsTests : IDisposable
{
    private const string Secret = "s3cret-of-a-file";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-secrets-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_secret_from_a_file_reaches_the_upstream_and_neither_the_config_page_nor_the_log()
    {
        string? seen = null;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            seen = context.Request.Headers["X-Upstream-Key"];
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(Routes(upstream.Url, Write(Secret + "\n")));

        await proxy.Client.GetAsync("/");

        var page = await proxy.Admin.GetStringAsync("/config");
        Assert.Equal(Secret, seen);
        Assert.DoesNotContain(Secret, page);
        Assert.Contains("\"Set\": \"***\"", page);
        Assert.DoesNotContain(proxy.Log.Lines, line => line.Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_reload_reads_the_references_again()
    {
        var seen = new List<string>();
        await using var upstream = await Upstream.StartAsync(context =>
        {
            seen.Add(context.Request.Headers["X-Upstream-Key"].ToString());
            return Task.CompletedTask;
        });
        var file = Write("before");
        await using var proxy = await RunningProxy.StartAsync(Routes(upstream.Url, file));
        await proxy.Client.GetAsync("/");

        await File.WriteAllTextAsync(file, "after");
        using var reload = await proxy.Admin.PostAsync("/reload", null);
        await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.OK, reload.StatusCode);
        Assert.Equal(["before", "after"], seen);
    }

    [Fact]
    public async Task A_reload_that_is_refused_for_a_secret_says_so_without_it()
    {
        var file = Write("standard");
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(Routes(upstream.Url, Write("x"), $$"""{ "Policy": "${FILE:{{file}}}" }"""));

        await File.WriteAllTextAsync(file, Secret);
        using var reload = await proxy.Admin.PostAsync("/reload", null);

        var answer = await reload.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, reload.StatusCode);
        Assert.Contains("there is no policy", answer);
        Assert.DoesNotContain(Secret, answer);
        Assert.Contains(proxy.Log.Lines, line => line.Contains("there is no policy", StringComparison.Ordinal));
        Assert.DoesNotContain(proxy.Log.Lines, line => line.Contains(Secret, StringComparison.Ordinal));
    }

    private static string Routes(string upstream, string file, string resilience = "{}") => $$"""
        {
          "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/{**rest}" }, "Resilience": {{resilience}},
            "Transforms": [ { "RequestHeader": "X-Upstream-Key", "Set": "${FILE:{{file}}}" } ] } },
          "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream}}" } } } }
        }
        """;

    private string Write(string text)
    {
        var path = Path.Combine(_folder.FullName, $"secret-{Guid.NewGuid():N}");
        File.WriteAllText(path, text);
        return path;
    }
}
