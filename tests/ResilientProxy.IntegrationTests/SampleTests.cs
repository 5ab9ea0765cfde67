using System.Text.Json;
using System.Text.Json.Nodes;
using ResilientProxy.Hosting;

namespace ResilientProxy.IntegrationTests;

/// <summary>What validate calls good, run takes: every sample config starts a proxy that is ready.</summary>
public class SampleTests
{
    private static readonly string Folder = Path.Combine(RepositoryRoot(), "config");

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task Every_sample_starts(string name)
    {
        // On a free port, and in clear text: certificates are not part of the samples.
        var root = JsonNode.Parse(
            await File.ReadAllTextAsync(Path.Combine(Folder, name)),
            documentOptions: new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip })!;
        root["Kestrel"] = JsonNode.Parse("{ \"Endpoints\": { \"Http\": { \"Url\": \"http://127.0.0.1:0\" } } }");
        root["Admin"] = JsonNode.Parse("{ \"Url\": \"http://127.0.0.1:0\" }");
        root["AccessLog"] = "off";
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, root.ToJsonString());
            var options = new ProxyAppOptions { ConfigPath = file };
            var result = options.CheckConfig(options.ReadConfig());
            Assert.True(result.Config is not null, string.Join('\n', result.Findings));

            await using var app = await ProxyApp.StartAsync(result.Config, options);

            using var admin = new HttpClient { BaseAddress = new Uri(app.AdminUrl) };
            Assert.Equal("ready\n", await admin.GetStringAsync("/health/ready"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    public static TheoryData<string> Samples() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Folder, "examples"), "*.json").Select(file => Path.GetRelativePath(Folder, file)).Append("proxy.json").Order(StringComparer.Ordinal),
    ];

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ResilientProxy.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }

        return folder;
    }
}
