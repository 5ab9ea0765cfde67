using System.Diagnostics;

namespace ResilientProxy.Forwarding;

/// <summary>Where the frames of one direction of a WebSocket begin and end (RFC 6455 section 5.2): looks at their headers, never at what they carry.</summary>
internal struct WebSocketFrames
{
    private const byte OpcodeBits = 0x0F;
    private const byte CloseOpcode = 0x8;
    private const byte MaskBit = 0x80;
    private const byte LengthBits = 0x7F;
    private const int Length16 = 126;
    private const int Length64 = 127;
    private const int MaskBytes = 4;

    private Part _part;
    private bool _isMasked;
    private int _lengthBytesLeft;
    private ulong _left; // bytes of the payload and of the mask's key before it

    private enum Part
    {
        Opcode,
        Length,
        LongLength,
        Payload,
    }

    /// <summary>Whether the last byte seen was a frame's last, or none was seen at all.</summary>
    public readonly bool IsBetweenFrames => _part == Part.Opcode;

    /// <summary>Whether a close frame has begun: nothing may follow it.</summary>
    public bool HasClosed { get; private set; }

    /// <summary>Follows bytes to the end of the first frame that ends in them, or to their own.</summary>
    /// <param name="bytes">The next bytes of the direction.</param>
    /// <returns>How many were followed: at least one, where there is one.</returns>
    public int FollowFrame(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            switch (_part)
            {
                case Part.Opcode:
                    HasClosed |= (bytes[at++] & OpcodeBits) == CloseOpcode;
                    _part = Part.Length;
                    continue;
                case Part.Length:
                    ReadLength(bytes[at++]);
                    break;
                case Part.LongLength:
                    _left = (_left << 8) | bytes[at++];
                    _lengthBytesLeft--;
                    break;
                case Part.Payload:
                    var step = (int)Math.Min(_left, (ulong)(bytes.Length - at));
                    at += step;
                    _left -= (ulong)step;
                    break;
                default:
                    throw new UnreachableException();
            }

            if (_part == Part.LongLength && _lengthBytesLeft == 0)
            {
                _left += _isMasked ? (ulong)MaskBytes : 0;
                _part = Part.Payload;
            }

            if (_part == Part.Payload && _left == 0)
            {
                _part = Part.Opcode;
                return at;
            }
        }

        return at;
    }

    /// <summary>Follows bytes to their end.</summary>
    /// <param name="bytes">The next bytes of the direction.</param>
    public void Follow(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[FollowFrame(bytes)..];
        }
    }

    private void ReadLength(byte value)
    {
        _isMasked = (value & MaskBit) != 0;
        var length = value & LengthBits;
        _lengthBytesLeft = length switch
        {
            Length16 => sizeof(ushort),
            Length64 => sizeof(ulong),
            _ => 0,
        };
        _left = _lengthBytesLeft > 0 ? 0 : (ulong)length;
        _part = Part.LongLength;
    }
}
