using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ResilientProxy.Configuration;
using ResilientProxy.Configuration.Explain;
using ResilientProxy.Errors;
using ResilientProxy.TestSupport.Fuzz;
using ResilientProxy.UnitTests.Configuration;

namespace ResilientProxy.UnitTests.Fuzz;

/// <summary>Whatever a config file holds, checking it ends with findings that say where, or with a config that can be explained.</summary>
public class ConfigFuzzTests
{
    private const string Kind = "configs";
    private const int Share = 2000;

    private static readonly string[] Samples =
        [.. Directory.EnumerateFiles(Path.Combine(SchemaTests.RepositoryRoot(), "config"), "*.json", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith("schema.json", StringComparison.Ordinal) && !file.Contains("grafana", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(File.ReadAllText)];

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1", "1e999", "-1e-999", "0.5", "99999999999999999999", "\"\"", "\"off\"", "\"0s\"", "\"1ms\"", "\"99999d\"", "\"-1s\"", "\"00:00:02\"", "\"64KiB\"", "\"p95\"",
        "\"adaptive\"", "[]", "{}", "[null]", "[[]]", "{\"\":null}", "[\"502\",\"502\"]", "\"http://127.0.0.1:0\"", "\"https://x\"", "\"http://[::1\"", "\"not a url\"", "\"/{**rest}\"", "\"/{a}/{a}\"", "\"{\"",
        "\"env:NOTHING\"", "\"file:/nowhere\"", "\"${X}\"", "\"\\u0000\"", "\"a\\nb\"", "\"orders\"", "\"standard\"", "\"none\"", "[\"GET\",\"\"]", "{\"Url\":5}", "\"stdout\"", "\"/dev/null/x\"",
    ];

    private static readonly string[] Bytes = ["{", "}", "[", "]", ",", ":", "\"", "//", "/*", "*/", "\\", "\0", "\u00ff", "\ufeff", "null", "1e5", "\n", "\"x\": 1,", "\"Resilience\": \"off\"", "\"$schema\": 5", "\"\\ud800\"", "\\u0000"];

    public static TheoryData<string> Kept => [.. Corpus.Names(Kind)];

    [Fact]
    public void Whatever_a_file_holds_is_refused_with_a_path_or_can_be_explained() => FuzzPlan.Run(Share, random =>
    {
        var utf8 = Next(random);
        try
        {
            Check(utf8);
        }
        catch (Exception error)
        {
            throw new FuzzFailedException($"{error}\n{Corpus.HowToKeep(Kind, "case", ".json", utf8)}", error);
        }
    });

    [Theory]
    [MemberData(nameof(Kept))]
    public void A_kept_case_is_refused_with_a_path_or_can_be_explained(string name) => Check(Corpus.Read(Kind, name));

    private static void Check(byte[] utf8)
    {
        var result = ConfigFile.Parse(utf8, [], []);

        Assert.All(result.Findings, finding => Assert.True(finding.Path.StartsWith('$') && finding.Message.Length > 0 && finding.Line >= 0, finding.ToString()));
        Assert.Equal(result.Config is null, result.Findings.Any(finding => finding.Severity == FindingSeverity.Error));
        if (result.Config is { } config)
        {
            using var effective = JsonDocument.Parse(config.EffectiveJson.Value);
            using var text = new StringWriter();
            foreach (var route in config.Routes)
            {
                ExplainText.Write(RouteExplanation.Of(config, route), text);
            }

            using var explained = JsonDocument.Parse(ExplainJson.Write(config.Routes.Select(route => RouteExplanation.Of(config, route)), result.Findings));
        }
    }

    private static byte[] Next(Random random)
    {
        var text = Samples[random.Next(Samples.Length)];
        if (random.Next(4) > 0)
        {
            text = Restructured(random, text);
        }

        var utf8 = Encoding.UTF8.GetBytes(text);
        for (var changes = random.Next(3) == 0 ? random.Next(1, 4) : 0; changes > 0; changes--)
        {
            utf8 = Spoilt(random, utf8);
        }

        return utf8;
    }

    // A value for another one, a key for another one, or a part in a place that is not its own: still JSON.
    private static string Restructured(Random random, string text)
    {
        var root = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true })!;
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var places = Places(root).ToArray();
            if (places.Length == 0)
            {
                break;
            }

            var (parent, key) = places[random.Next(places.Length)];
            var (from, fromKey) = places[random.Next(places.Length)];
            switch (random.Next(5))
            {
                case 0 when parent is JsonObject members && key is string name:
                    members.Remove(name);
                    break;
                case 1 when parent is JsonObject members && key is string name && members[name] is var moved:
                    members.Remove(name);
                    members[random.Next(2) == 0 && name.Length > 0 ? name.Remove(random.Next(name.Length), 1) : name.ToUpperInvariant() + (random.Next(2) == 0 ? "" : ".x[]")] = moved?.DeepClone();
                    break;
                case 2:
                    Set(parent, key, Get(from, fromKey)?.DeepClone());
                    break;
                default:
                    Set(parent, key, JsonNode.Parse(Values[random.Next(Values.Length)]));
                    break;
            }
        }

        return root.ToJsonString();
    }

    private static IEnumerable<(JsonNode Parent, object Key)> Places(JsonNode node)
    {
        IEnumerable<(object Key, JsonNode? Value)> children = node switch
        {
            JsonObject members => members.Select(member => ((object)member.Key, member.Value)),
            JsonArray items => items.Select((item, index) => ((object)index, item)),
            _ => [],
        };
        foreach (var (key, value) in children)
        {
            yield return (node, key);
            foreach (var below in value is null ? [] : Places(value))
            {
                yield return below;
            }
        }
    }

    private static JsonNode? Get(JsonNode parent, object key) => key is string name ? parent[name] : (int)key < parent.AsArray().Count ? parent[(int)key] : null;

    private static void Set(JsonNode parent, object key, JsonNode? value)
    {
        if (key is string name)
        {
            parent[name] = value;
        }
        else
        {
            parent[(int)key] = value;
        }
    }

    private static byte[] Spoilt(Random random, byte[] utf8)
    {
        if (utf8.Length == 0)
        {
            return utf8;
        }

        var at = random.Next(utf8.Length);
        switch (random.Next(5))
        {
            case 0:
                return utf8[..at];
            case 1:
                return [.. utf8[..at], .. utf8[Math.Min(utf8.Length, at + random.Next(1, 30))..]];
            case 2:
                return [.. utf8[..at], .. Encoding.UTF8.GetBytes(Bytes[random.Next(Bytes.Length)]), .. utf8[at..]];
            case 3:
                var from = random.Next(utf8.Length);
                return [.. utf8[..at], .. utf8[from..Math.Min(utf8.Length, from + random.Next(1, 200))], .. utf8[at..]];
            default:
                utf8 = [.. utf8];
                utf8[at] = (byte)random.Next(256);
                return utf8;
        }
    }
}
