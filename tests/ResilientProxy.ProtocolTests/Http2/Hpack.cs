using System.Text;

namespace ResilientProxy.ProtocolTests.Http2;

/// <summary>As much of HPACK (RFC 7541) as a test needs: fields as literals without any check, and responses read back.</summary>
internal static class Hpack
{
    // RFC 7541 appendix A: the entries a response may name.
    private static readonly string[] StaticNames =
    [
        "", ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status", ":status", ":status",
        ":status", ":status", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age",
        "allow", "authorization", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
        "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match",
        "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards",
        "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after", "server", "set-cookie",
        "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
    ];

    private static readonly string[] Statuses = ["200", "204", "206", "304", "400", "404", "500"];

    /// <summary>Writes fields, each as a literal that is not indexed (RFC 7541 section 6.2.2).</summary>
    /// <param name="fields">Names and values; each character is a byte.</param>
    public static byte[] Write(IEnumerable<(string Name, string Value)> fields)
    {
        var bytes = new List<byte>();
        foreach (var (name, value) in fields)
        {
            bytes.Add(0);
            Text(bytes, name);
            Text(bytes, value);
        }

        return [.. bytes];
    }

    /// <summary>Reads the fields of a response whose writer was told to keep no table.</summary>
    /// <param name="block">The header block.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(ReadOnlySpan<byte> block)
    {
        var fields = new List<KeyValuePair<string, string>>();
        while (!block.IsEmpty)
        {
            var first = block[0];
            if (first >= 0x80)
            {
                var index = Number(ref block, 7);
                fields.Add(new(StaticNames[index], index is >= 8 and <= 14 ? Statuses[index - 8] : ""));
            }
            else if (first is >= 0x20 and < 0x40)
            {
                Number(ref block, 5); // the size of the table
            }
            else
            {
                var index = Number(ref block, first >= 0x40 ? 6 : 4);
                var name = index == 0 ? Text(ref block) : StaticNames[index];
                fields.Add(new(name, Text(ref block)));
            }
        }

        return fields;
    }

    private static void Text(List<byte> bytes, string text)
    {
        if (text.Length < 127)
        {
            bytes.Add((byte)text.Length);
        }
        else
        {
            bytes.Add(127);
            var rest = text.Length - 127;
            for (; rest >= 128; rest >>= 7)
            {
                bytes.Add((byte)((rest & 127) | 128));
            }

            bytes.Add((byte)rest);
        }

        bytes.AddRange(Encoding.Latin1.GetBytes(text));
    }

    private static int Number(ref ReadOnlySpan<byte> block, int bits)
    {
        var mask = (1 << bits) - 1;
        var value = block[0] & mask;
        block = block[1..];
        for (var shift = 0; value >= mask; shift += 7)
        {
            var next = block[0];
            block = block[1..];
            value += (next & 127) << shift;
            if (next < 128)
            {
                break;
            }
        }

        return value;
    }

    private static string Text(ref ReadOnlySpan<byte> block)
    {
        var isHuffman = block[0] >= 0x80;
        var length = Number(ref block, 7);
        var text = isHuffman ? "(Huffman)" : Encoding.Latin1.GetString(block[..length]);
        block = block[length..];
        return text;
    }
}
