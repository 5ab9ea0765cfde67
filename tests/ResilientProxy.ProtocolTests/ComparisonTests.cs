using System.Globalization;
using System.Net;
using System.Text;
using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Peers;
using ResilientProxy.ProtocolTests.Wire;
using Xunit.Abstractions;

namespace ResilientProxy.ProtocolTests;

public class ComparisonTests(ProxyFixture fixture, ITestOutputHelper output) : IClassFixture<ProxyFixture>
{
    // A case that is not as it says may wait for something that never comes: of the others' time no more than this.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    [FactIfInstalled("nginx", "haproxy")]
    public async Task The_same_cases_run_against_nginx_and_haproxy_make_a_table()
    {
        await using var behindNginx = new RecordingUpstream();
        await using var behindHaproxy = new RecordingUpstream();
        await using var nginx = await PeerProxy.StartNginxAsync(behindNginx.EndPoint);
        await using var haproxy = await PeerProxy.StartHaproxyAsync(behindHaproxy.EndPoint);

        // Each proxy has an upstream of its own: the three run side by side.
        var results = await Task.WhenAll(
            RunAllAsync(fixture.Http1, fixture.Upstream), RunAllAsync(nginx.EndPoint, behindNginx, Short), RunAllAsync(haproxy.EndPoint, behindHaproxy, Short));

        var table = Table(results);
        output.WriteLine(table);
        await File.WriteAllTextAsync(Path.Combine(ArtifactsFolder(), "protocol-comparison.md"), table);
        Assert.All(results[0], result => Assert.True(result.Value.Count == 0, $"{result.Key}: {string.Join("; ", result.Value)}"));
    }

    private static async Task<Dictionary<string, IReadOnlyList<string>>> RunAllAsync(IPEndPoint proxy, RecordingUpstream upstream, TimeSpan? bound = null)
    {
        var runner = new CaseRunner(proxy, upstream, bound);
        var results = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var (name, test) in ProtocolCases.All)
        {
            results[name] = await runner.RunAsync(test);
        }

        return results;
    }

    private static string Table(Dictionary<string, IReadOnlyList<string>>[] results)
    {
        var text = new StringBuilder();
        text.AppendLine("What each does with the same bytes, with its usual settings and before the same upstream. The cases are strict: another behaviour is")
            .AppendLine("often allowed, or a setting away; read the cell, not the count.")
            .AppendLine();
        text.AppendLine("| case | resilient-proxy | nginx | HAProxy |").AppendLine("| --- | --- | --- | --- |");
        foreach (var name in ProtocolCases.All.Keys)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {name} |");
            foreach (var result in results)
            {
                text.Append(CultureInfo.InvariantCulture, $" {(result[name] is [var complaint, ..] ? Cell(complaint) : "as the case says")} |");
            }

            text.AppendLine();
        }

        text.Append("| **cases as they say** |");
        foreach (var result in results)
        {
            text.Append(CultureInfo.InvariantCulture, $" **{result.Count(one => one.Value.Count == 0)} of {result.Count}** |");
        }

        return text.AppendLine().ToString();
    }

    // One line, and nothing a table or a terminal would take for more than text.
    private static string Cell(string complaint) =>
        string.Concat(complaint.Take(120).Select(character => character is '|' or < ' ' or > '~' ? ' ' : character));

    private static string ArtifactsFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "ResilientProxy.sln")))
        {
            folder = folder.Parent;
        }

        return Directory.CreateDirectory(Path.Combine((folder ?? new DirectoryInfo(AppContext.BaseDirectory)).FullName, "artifacts")).FullName;
    }
}
