using System.Text.Json;
using System.Text.Unicode;
using ResilientProxy.Errors;

namespace ResilientProxy.Configuration.Tree;

/// <summary>Reads a file's bytes into a tree that knows the line of everything.</summary>
internal ref struct TreeReader
{
    private const int DeepestNesting = 64;

    private readonly ReadOnlySpan<byte> _utf8;
    private readonly Findings _findings;
    private Utf8JsonReader _json;
    private int _countedTo;
    private int _line = 1;

    private TreeReader(ReadOnlySpan<byte> utf8, Findings findings)
    {
        _utf8 = utf8;
        _findings = findings;
        _json = new Utf8JsonReader(utf8, new JsonReaderOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = DeepestNesting,
        });
    }

    /// <summary>Reads the tree; null, with one finding, where the bytes are no JSON object.</summary>
    public static ConfigObject? Read(ReadOnlySpan<byte> utf8, Findings findings)
    {
        utf8 = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        if (!Utf8.IsValid(utf8))
        {
            return Refuse(findings, "is not UTF-8 text; save the file as UTF-8", 1);
        }

        if (utf8.Trim(" \t\r\n"u8).IsEmpty)
        {
            return Refuse(findings, "is empty; a config is a JSON object: { … }", 1);
        }

        var reader = new TreeReader(utf8, findings);
        try
        {
            reader._json.Read();
            var root = reader.ReadValue(ConfigPath.Root);
            reader._json.Read(); // what stands behind the root, other than comments, is a syntax error
            return root as ConfigObject ?? Refuse(findings, $"must be an object: {{ … }}, but is {root.Kind}", root.Origin.Line);
        }
        catch (JsonException e)
        {
            // The message ends with the parser's own, zero-based line; ours is in the finding.
            var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            return Refuse(findings, $"is not JSON: {(end < 0 ? e.Message : e.Message[..end])}", (int)(e.LineNumber ?? 0) + 1);
        }
        catch (InvalidOperationException)
        {
            return Refuse(findings, "is not JSON: a string holds half of a surrogate pair (\\ud800 to \\udfff)", reader.CurrentLine());
        }
    }

    private static ConfigObject? Refuse(Findings findings, string message, int line)
    {
        findings.Add(FindingSeverity.Error, ConfigPath.Root.ToString(), message, new ConfigOrigin(OriginKind.File, "", line));
        return null;
    }

    private ConfigNode ReadValue(ConfigPath place)
    {
        var origin = new ConfigOrigin(OriginKind.File, "", CurrentLine());
        return _json.TokenType switch
        {
            JsonTokenType.StartObject => ReadObject(place, origin),
            JsonTokenType.StartArray => ReadArray(place, origin),
            JsonTokenType.String => new ConfigScalar(place, origin, ScalarKind.String, _json.GetString()!),
            JsonTokenType.Number => new ConfigScalar(place, origin, ScalarKind.Number, System.Text.Encoding.UTF8.GetString(_json.ValueSpan)),
            JsonTokenType.True => new ConfigScalar(place, origin, ScalarKind.Boolean, "true"),
            JsonTokenType.False => new ConfigScalar(place, origin, ScalarKind.Boolean, "false"),
            _ => new ConfigScalar(place, origin, ScalarKind.Null, ""),
        };
    }

    private ConfigObject ReadObject(ConfigPath place, ConfigOrigin origin)
    {
        var node = new ConfigObject(place, origin);
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var key = _json.GetString()!;
            var line = CurrentLine();
            _json.Read();
            var value = ReadValue(place.Child(key));
            if (!node.TryAdd(key, value))
            {
                _findings.Add(
                    FindingSeverity.Error,
                    value.Path,
                    $"stands twice, in lines {node[key]!.Origin.Line} and {line} (case makes no difference); remove one of them",
                    new ConfigOrigin(OriginKind.File, "", line));
            }
        }

        return node;
    }

    private ConfigArray ReadArray(ConfigPath place, ConfigOrigin origin)
    {
        var node = new ConfigArray(place, origin);
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            node.Items.Add(ReadValue(place.Item(node.Items.Count)));
        }

        return node;
    }

    // Tokens come in order, so each line break is counted once.
    private int CurrentLine()
    {
        var position = (int)_json.TokenStartIndex;
        _line += _utf8[_countedTo..position].Count((byte)'\n');
        _countedTo = position;
        return _line;
    }
}
