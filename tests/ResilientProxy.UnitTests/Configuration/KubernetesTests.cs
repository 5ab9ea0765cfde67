using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ResilientProxy.Configuration;

namespace ResilientProxy.UnitTests.Configuration;

/// <summary>The manifests in <c>config/kubernetes</c> against the program they start.</summary>
public partial class KubernetesTests
{
    private static readonly string Folder = Path.Combine(SchemaTests.RepositoryRoot(), "config/kubernetes");

    // As the manifests give it: from a Secret, by a variable.
    private static readonly KeyValuePair<string, string>[] Token = [new("Admin__Token", "from the secret")];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void The_config_in_a_manifest_loads_without_a_finding(string name)
    {
        var result = ConfigFile.Parse(ProxyJson(name), Token, []);

        Assert.Empty(result.Findings);
        Assert.NotNull(result.Config);
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Probes_reach_the_admin_port_from_outside_of_the_pod_and_a_secret_guards_it(string name)
    {
        var manifest = Read(name);

        var admin = new Uri(ConfigFile.Parse(ProxyJson(name), Token, []).Config!.Admin.Url);

        Assert.Equal("0.0.0.0", admin.Host);
        Assert.Contains($"containerPort: {admin.Port}\n", manifest);
        Assert.Matches(@"- name: Admin__Token\n\s+valueFrom:\n\s+secretKeyRef:", manifest);
        Assert.DoesNotContain("\"Token\"", Encoding.UTF8.GetString(ProxyJson(name)));
    }

    // The sidecar's pod adds what its app takes to end, which comes first.
    [Theory]
    [InlineData("gateway.yaml", 0)]
    [InlineData("sidecar.yaml", 20)]
    public void A_pod_has_as_long_to_end_as_its_proxy_takes_to_drain_and_five_seconds(string name, int appSeconds)
    {
        var admin = ConfigFile.Parse(ProxyJson(name), Token, []).Config!.Admin;

        var grace = int.Parse(GracePeriod().Match(Read(name)).Groups[1].Value, CultureInfo.InvariantCulture);

        Assert.Equal(appSeconds + (admin.DrainDelay + admin.DrainTimeout).TotalSeconds + 5, grace);
    }

    public static TheoryData<string> Manifests() =>
        [.. Directory.EnumerateFiles(Folder, "*.yaml").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static string Read(string name) => File.ReadAllText(Path.Combine(Folder, name));

    /// <summary>The block of text under <c>proxy.json: |</c>: every line that is indented further than its key.</summary>
    private static byte[] ProxyJson(string name)
    {
        var lines = Read(name).Split('\n');
        var key = Array.FindIndex(lines, line => line.Trim() == "proxy.json: |");
        var indent = Indent(lines[key]);
        var block = lines.Skip(key + 1).TakeWhile(line => line.Length == 0 || Indent(line) > indent);
        return Encoding.UTF8.GetBytes(string.Join('\n', block));
    }

    private static int Indent(string line) => line.Length - line.TrimStart(' ').Length;

    [GeneratedRegex(@"^ +terminationGracePeriodSeconds: (\d+)$", RegexOptions.Multiline)]
    private static partial Regex GracePeriod();
}
