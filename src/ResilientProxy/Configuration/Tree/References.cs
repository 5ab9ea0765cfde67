using System.Text;

namespace ResilientProxy.Configuration.Tree;

/// <summary>
/// Puts what <c>${ENV:NAME}</c> and <c>${FILE:/path}</c> stand for into the strings of a config, so that its secrets live elsewhere.
/// <c>$${</c> is a plain <c>${</c>. What comes in is not looked at again: a secret may hold anything.
/// </summary>
/// <param name="environment">The environment variables.</param>
/// <param name="findings">Takes what cannot be resolved, with the reference's name and never with a value; and the values, to hide them.</param>
internal sealed class References(IEnumerable<KeyValuePair<string, string>> environment, Findings findings)
{
    /// <summary>The largest file taken.</summary>
    public const int MaxFileBytes = 64 * 1024;

    private const string Begin = "${";
    private const string Escape = "$${";
    private const string Variable = "ENV:";
    private const string FilePath = "FILE:";

    // Its own dictionary: on Windows names are equal whatever their case, elsewhere they are not.
    private readonly Dictionary<string, string> _variables = Index(environment);

    /// <summary>Resolves every string at and below a node; the tree keeps its places and origins.</summary>
    /// <param name="node">The root, after the overrides.</param>
    public void Resolve(ConfigNode node)
    {
        switch (node)
        {
            case ConfigObject members:
                foreach (var (key, value) in members.Members.ToArray())
                {
                    if (Resolved(value) is { } replaced)
                    {
                        members.Set(key, replaced);
                    }
                }

                break;
            case ConfigArray list:
                for (var i = 0; i < list.Items.Count; i++)
                {
                    list.Items[i] = Resolved(list.Items[i]) ?? list.Items[i];
                }

                break;
        }
    }

    /// <summary>A text as it must be written so that it is read as it is.</summary>
    /// <param name="text">The text.</param>
    public static string Escaped(string text) => text.Replace(Begin, Escape, StringComparison.Ordinal);

    private static Dictionary<string, string> Index(IEnumerable<KeyValuePair<string, string>> environment)
    {
        var variables = new Dictionary<string, string>(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (var (name, value) in environment)
        {
            variables[name] = value;
        }

        return variables;
    }

    private ConfigScalar? Resolved(ConfigNode node)
    {
        if (node is not ConfigScalar { ScalarKind: ScalarKind.String } scalar)
        {
            Resolve(node);
            return null;
        }

        return scalar.Text.Contains(Begin, StringComparison.Ordinal) ? Replace(scalar) : null;
    }

    private ConfigScalar Replace(ConfigScalar scalar)
    {
        var text = scalar.Text;
        var result = new StringBuilder();
        var secret = false;
        for (var i = 0; i < text.Length;)
        {
            var rest = text.AsSpan(i);
            if (rest.StartsWith(Escape, StringComparison.Ordinal))
            {
                result.Append(Begin);
                i += Escape.Length;
            }
            else if (!rest.StartsWith(Begin, StringComparison.Ordinal))
            {
                result.Append(text[i++]);
            }
            else
            {
                var end = rest.IndexOf('}');
                if (end < 0)
                {
                    findings.Unresolved(scalar, $"the reference that begins with {Begin} has no end; close it with }}, or write {Escape} for the text {Begin}");
                    return scalar;
                }

                if (ValueOf(scalar, rest[Begin.Length..end].ToString()) is not { } value)
                {
                    return scalar;
                }

                findings.Secrets.Add(value);
                result.Append(value);
                secret = true;
                i += end + 1;
            }
        }

        if (secret)
        {
            findings.Secrets.Add(result.ToString());
        }

        return new(scalar.Place, scalar.Origin, ScalarKind.String, result.ToString(), secret);
    }

    private string? ValueOf(ConfigScalar scalar, string reference)
    {
        if (reference.StartsWith(Variable, StringComparison.Ordinal))
        {
            var name = reference[Variable.Length..];
            if (_variables.TryGetValue(name, out var value))
            {
                return value;
            }

            findings.Unresolved(scalar, $"there is no environment variable \"{name}\"; set it, or correct the name");
            return null;
        }

        if (reference.StartsWith(FilePath, StringComparison.Ordinal))
        {
            return Read(scalar, reference[FilePath.Length..]);
        }

        findings.Unresolved(scalar, $"{Begin}{reference}}} is no reference; write ${{ENV:NAME}} or ${{FILE:/path}}, or {Escape} for the text {Begin}");
        return null;
    }

    private string? Read(ConfigScalar scalar, string path)
    {
        if (!Path.IsPathFullyQualified(path))
        {
            findings.Unresolved(scalar, $"the path of the file \"{path}\" must begin at the root, such as ${{FILE:/run/secrets/token}}");
            return null;
        }

        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[MaxFileBytes + 1];
            var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MaxFileBytes)
            {
                findings.Unresolved(scalar, $"the file {path} is larger than 64KiB: that is no secret");
                return null;
            }

            var value = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes, 0, count);
            return value.EndsWith("\r\n", StringComparison.Ordinal) ? value[..^2] : value.EndsWith('\n') ? value[..^1] : value;
        }
        catch (DecoderFallbackException)
        {
            findings.Unresolved(scalar, $"the file {path} is not UTF-8 text");
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            findings.Unresolved(scalar, $"the file {path} cannot be read ({error.GetType().Name}); see that it exists and that this user may read it");
            return null;
        }
    }
}
