using System.Buffers;
using System.Text;

namespace ResilientProxy.Http1;

/// <summary>A response's status line and fields, and what they say about where it ends: RFC 9112 sections 4, 5 and 6.</summary>
/// <remarks>
/// Strict, because the client gets what is read here in this proxy's own framing: what two readers may understand in two ways is refused.
/// One object reads one head after the other, and keeps the text of a field that says the same as the one before it in its place.
/// </remarks>
internal sealed class ResponseHead
{
    // A longer text is not kept for the next head: connections are many, and lie idle.
    private const int LongestKept = 128;
    private const int MostKept = 32;

    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    // RFC 9110 section 5.5: everything but the other controls. HTAB is a space.
    private static readonly SearchValues<byte> Controls = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    private Field[] _fields = new Field[16];
    private int _count;
    private string? _reason;
    private long _contentLength;
    private bool _saysClose;
    private bool _saysKeepAlive;

    /// <summary>The status code, 100 to 999.</summary>
    public int Status { get; private set; }

    /// <summary>Whether it is of HTTP/1.0.</summary>
    public bool IsHttp10 { get; private set; }

    /// <summary>The reason phrase; empty where there is none.</summary>
    public string Reason => _reason ?? "";

    /// <summary>The fields, in their order.</summary>
    public ReadOnlySpan<Field> Fields => _fields.AsSpan(0, _count);

    /// <summary>The length it names; null for none.</summary>
    public long? ContentLength => _contentLength < 0 ? null : _contentLength;

    /// <summary>Whether its body comes in chunks: then a length beside it does not count.</summary>
    public bool IsChunked { get; private set; }

    /// <summary>Whether the connection may carry another exchange, as far as the head says (RFC 9112 section 9.3).</summary>
    public bool KeepsConnection => !_saysClose && (!IsHttp10 || _saysKeepAlive) && !(IsChunked && _contentLength >= 0);

    /// <summary>Whether it says something to a gateway beyond its body and its connection.</summary>
    public bool SpeaksToGateways { get; private set; }

    /// <summary>Reads a whole head.</summary>
    /// <param name="head">Its bytes, to its empty line and with it; every line ends in CR LF.</param>
    /// <exception cref="MalformedAnswerException">It is none that HTTP allows.</exception>
    public void Read(ReadOnlySpan<byte> head)
    {
        _contentLength = -1;
        IsChunked = _saysClose = _saysKeepAlive = SpeaksToGateways = false;
        var line = head.IndexOf((byte)'\n') + 1;
        ReadStatusLine(head[..(line - 2)]);
        ReadFields(head[line..]);
        foreach (ref readonly var field in Fields)
        {
            switch (field.Kind)
            {
                case FieldKind.ContentLength:
                    if (_contentLength >= 0 || !TryReadLength(field.Value, out _contentLength))
                    {
                        throw new MalformedAnswerException("its length is none, or named twice");
                    }

                    break;
                case FieldKind.TransferEncoding:
                    // RFC 9112 section 6.1: only the chunks are undone; in any other coding the client would get bytes it was not told the meaning of.
                    if (IsChunked || IsHttp10 || !field.Value.Equals("chunked", StringComparison.OrdinalIgnoreCase))
                    {
                        throw new MalformedAnswerException("its transfer coding is none of this proxy's");
                    }

                    IsChunked = true;
                    break;
                case FieldKind.Connection:
                    _saysClose |= field.Value.Contains("close", StringComparison.OrdinalIgnoreCase);
                    _saysKeepAlive |= field.Value.Contains("keep-alive", StringComparison.OrdinalIgnoreCase);
                    SpeaksToGateways |= field.Value.Length > 0
                        && !field.Value.Equals("keep-alive", StringComparison.OrdinalIgnoreCase) && !field.Value.Equals("close", StringComparison.OrdinalIgnoreCase);
                    break;
                case FieldKind.Status:
                    SpeaksToGateways = true;
                    break;
            }
        }
    }

    /// <summary>Reads trailers: fields alone, and none of them frames.</summary>
    /// <param name="trailers">Their bytes, to the empty line and with it.</param>
    /// <exception cref="MalformedAnswerException">They are no fields.</exception>
    public void ReadTrailers(ReadOnlySpan<byte> trailers) => ReadFields(trailers);

    /// <summary>Whether a status line may begin like this: what is no HTTP is told at once, not after a head's worth of it.</summary>
    /// <param name="start">The first bytes.</param>
    public static bool MayBegin(ReadOnlySpan<byte> start) => start[..Math.Min(start.Length, 7)].SequenceEqual("HTTP/1."u8[..Math.Min(start.Length, 7)]);

    private void ReadStatusLine(ReadOnlySpan<byte> line)
    {
        // "HTTP/1.1 200 OK"; the reason may be empty, and the space before it may be missing then.
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || !char.IsAsciiDigit((char)line[7]) || line[8] != ' ' || (line.Length > 12 && line[12] != ' '))
        {
            throw new MalformedAnswerException("its first line is no status line");
        }

        var status = 0;
        foreach (var digit in line[9..12])
        {
            status = char.IsAsciiDigit((char)digit) ? (10 * status) + digit - '0' : int.MinValue / 100;
        }

        var reason = line.Length > 13 ? line[13..] : default;
        if (status < 100 || reason.ContainsAny(Controls))
        {
            throw new MalformedAnswerException("its first line is no status line");
        }

        IsHttp10 = line[7] == '0';
        Status = status;
        _reason = Text(reason, _reason);
    }

    private void ReadFields(ReadOnlySpan<byte> lines)
    {
        var before = _count;
        _count = 0;
        while (true)
        {
            var end = lines.IndexOf("\r\n"u8);
            if (end == 0)
            {
                break;
            }

            if (_count == _fields.Length)
            {
                Array.Resize(ref _fields, 2 * _count);
            }

            ReadField(lines[..end], ref _fields[_count]);
            _count++;
            lines = lines[(end + 2)..];
        }

        if (before > _count)
        {
            _fields.AsSpan(_count, before - _count).Clear();
        }
    }

    private static void ReadField(ReadOnlySpan<byte> line, ref Field field)
    {
        // No space before the colon, no folded line, no empty name: none of them is a token (RFC 9112 sections 5.1 and 5.2).
        var colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes))
        {
            throw new MalformedAnswerException("a line of its head is no field");
        }

        var value = line[(colon + 1)..].Trim(" \t"u8);
        if (value.ContainsAny(Controls))
        {
            throw new MalformedAnswerException("a field holds a control character");
        }

        var name = Text(line[..colon], field.Name);
        if (!ReferenceEquals(name, field.Name))
        {
            field.Name = name;
            field.Kind = KindOf(name);
        }

        field.Value = Text(value, field.Value);
    }

    private static string Text(ReadOnlySpan<byte> bytes, string? before) =>
        before is not null && before.Length == bytes.Length && Ascii.Equals(bytes, before) ? before : Encoding.Latin1.GetString(bytes);

    private static FieldKind KindOf(string name) => name.Length switch
    {
        11 when name.Equals("grpc-status", StringComparison.OrdinalIgnoreCase) => FieldKind.Status,
        12 when name.Equals("Proxy-Status", StringComparison.OrdinalIgnoreCase) => FieldKind.Status,
        10 when name.Equals("Connection", StringComparison.OrdinalIgnoreCase) => FieldKind.Connection,
        14 when name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) => FieldKind.ContentLength,
        17 when name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase) => FieldKind.TransferEncoding,
        _ => FieldKind.Other,
    };

    // RFC 9110 section 8.6: digits alone. A sign, a list or a space inside is read differently by different readers.
    private static bool TryReadLength(string value, out long length)
    {
        const int MostDigits = 19; // of 63 bits; as many fit into 64 whatever they are
        length = 0;
        var digits = value.AsSpan().TrimStart('0');
        if (value.Length == 0 || digits.Length > MostDigits)
        {
            return false;
        }

        var sum = 0UL;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit(digit))
            {
                return false;
            }

            sum = (10 * sum) + digit - '0';
        }

        length = (long)sum;
        return sum <= long.MaxValue;
    }

    /// <summary>What is not worth keeping for the next head goes.</summary>
    public void Trim()
    {
        if (_fields.Length > MostKept)
        {
            _fields = new Field[16];
            _count = 0;
            return;
        }

        foreach (ref var field in _fields.AsSpan(0, _count))
        {
            if (field.Value.Length > LongestKept || field.Name.Length > LongestKept)
            {
                field = default;
            }
        }
    }

    /// <summary>What a field has to say to this proxy.</summary>
    internal enum FieldKind : byte
    {
        /// <summary>Nothing.</summary>
        Other,

        /// <summary>Whether the connection stays.</summary>
        Connection,

        /// <summary>The body's length.</summary>
        ContentLength,

        /// <summary>The body's coding.</summary>
        TransferEncoding,

        /// <summary>How the request went, in words of its own: <c>grpc-status</c>, <c>Proxy-Status</c>.</summary>
        Status,
    }

    /// <summary>One field line.</summary>
    internal record struct Field
    {
        /// <summary>The name, as it came.</summary>
        public string Name { get; set; }

        /// <summary>The value, without the space around it.</summary>
        public string Value { get; set; }

        /// <summary>What it has to say to this proxy.</summary>
        public FieldKind Kind { get; set; }
    }
}
