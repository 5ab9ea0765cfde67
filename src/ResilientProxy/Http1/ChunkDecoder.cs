namespace ResilientProxy.Http1;

/// <summary>Undoes the chunks of a body as its bytes come in: RFC 9112 section 7.1.</summary>
internal struct ChunkDecoder
{
    // A size line with its extensions; nothing says how long one may be, and nobody needs a long one.
    private const int LongestLine = 4 * 1024;

    // What still fits when four more bits are put behind it.
    private const long LargestPrefix = long.MaxValue >> 4;

    private State _state;
    private long _size;
    private int _line;

    private enum State : byte
    {
        SizeStart,
        Size,
        Space,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailers,
    }

    /// <summary>Bytes of the body that come next; 0 where framing does.</summary>
    public readonly long Left => _state == State.Data ? _size : 0;

    /// <summary>Whether the last chunk is behind: what comes next are the trailers.</summary>
    public readonly bool AtTrailers => _state == State.Trailers;

    /// <summary>Takes bytes of the body.</summary>
    /// <param name="count">At most <see cref="Left"/>.</param>
    public void Take(long count)
    {
        _size -= count;
        if (_size == 0)
        {
            _state = State.DataCr;
        }
    }

    /// <summary>Reads framing, up to the next byte of the body or the trailers.</summary>
    /// <param name="bytes">What has come in.</param>
    /// <returns>How many of them were framing.</returns>
    /// <exception cref="MalformedAnswerException">They are none.</exception>
    public int Read(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var next = bytes[i];
            switch (_state)
            {
                case State.Data or State.Trailers:
                    return i;
                case State.SizeStart or State.Size:
                    ReadSize(next);
                    break;
                case State.Space:
                    // Some servers pad the size; nothing but an extension may follow.
                    _state = next switch
                    {
                        (byte)' ' or (byte)'\t' => State.Space,
                        (byte)';' => State.Extension,
                        (byte)'\r' => State.SizeLf,
                        _ => throw Bad(),
                    };
                    break;
                case State.Extension:
                    _state = next == '\r' ? State.SizeLf : next is >= 32 and not 127 or (byte)'\t' ? State.Extension : throw Bad();
                    break;
                case State.SizeLf:
                    _state = next != '\n' ? throw Bad() : _size == 0 ? State.Trailers : State.Data;
                    continue; // the line is whole
                case State.DataCr:
                    _state = next == '\r' ? State.DataLf : throw Bad();
                    continue;
                case State.DataLf:
                    _state = next == '\n' ? State.SizeStart : throw Bad();
                    _line = 0;
                    _size = 0;
                    continue;
            }

            if (++_line > LongestLine)
            {
                throw Bad();
            }
        }

        return bytes.Length;
    }

    private void ReadSize(byte next)
    {
        if (char.IsAsciiHexDigit((char)next))
        {
            if (_size > LargestPrefix)
            {
                throw Bad();
            }

            _size = (_size << 4) + (next <= '9' ? next - '0' : (next | 0x20) - 'a' + 10);
            _state = State.Size;
            return;
        }

        _state = (_state, next) switch
        {
            (State.Size, (byte)'\r') => State.SizeLf,
            (State.Size, (byte)';') => State.Extension,
            (State.Size, (byte)' ' or (byte)'\t') => State.Space,
            _ => throw Bad(),
        };
    }

    private static MalformedAnswerException Bad() => new("a chunk is none");
}
