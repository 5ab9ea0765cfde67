using System.Buffers.Binary;
using ResilientProxy.Forwarding;

namespace ResilientProxy.UnitTests.Forwarding;

public class WebSocketFramesTests
{
    private const byte Text = 0x81, Continued = 0x01, Continuation = 0x80, Ping = 0x89, Close = 0x88;

    [Fact]
    public void However_the_bytes_are_cut_the_same_places_lie_between_frames()
    {
        byte[][] frames =
        [
            Frame(Text, 0), Frame(Text, 125), Frame(Continued, 126), Frame(Ping, 5), Frame(Continuation, 65535), Frame(Text, 65536), Frame(Text, 7, mask: true), Frame(Text, 300, mask: true),
        ];
        var bytes = frames.SelectMany(frame => frame).ToArray();
        var ends = Enumerable.Range(1, frames.Length).Select(count => frames.Take(count).Sum(frame => frame.Length)).ToHashSet();
        foreach (var piece in (int[])[1, 2, 3, 7, 125, 4096, bytes.Length])
        {
            var followed = new WebSocketFrames();
            for (var at = 0; at < bytes.Length; at += piece)
            {
                var end = Math.Min(bytes.Length, at + piece);
                followed.Follow(bytes.AsSpan(at..end));
                Assert.Equal(ends.Contains(end), followed.IsBetweenFrames);
            }

            Assert.False(followed.HasClosed);
        }
    }

    [Fact]
    public void A_frame_is_followed_to_its_end_and_not_further()
    {
        byte[] bytes = [.. Frame(Text, 200), .. Frame(Text, 3)];
        var frames = new WebSocketFrames();
        frames.Follow(bytes.AsSpan(0, 3));

        Assert.Equal(201, frames.FollowFrame(bytes.AsSpan(3)));
        Assert.True(frames.IsBetweenFrames);
        Assert.Equal(5, frames.FollowFrame(bytes.AsSpan(204)));
        Assert.True(frames.IsBetweenFrames);
    }

    [Fact]
    public void A_close_frame_is_known_from_its_first_byte_on()
    {
        var frames = new WebSocketFrames();
        frames.Follow(Frame(Text, 1));
        Assert.False(frames.HasClosed);

        frames.Follow(Frame(Close, 2).AsSpan(0, 1));

        Assert.True(frames.HasClosed);
    }

    /// <summary>A frame of so many bytes, each of them what a header's byte might be.</summary>
    internal static byte[] Frame(byte opcode, int length, bool mask = false)
    {
        var header = new List<byte> { opcode };
        var maskBit = (byte)(mask ? 0x80 : 0);
        Span<byte> longLength = stackalloc byte[8];
        switch (length)
        {
            case < 126:
                header.Add((byte)(maskBit | length));
                break;
            case <= ushort.MaxValue:
                header.Add((byte)(maskBit | 126));
                BinaryPrimitives.WriteUInt16BigEndian(longLength, (ushort)length);
                header.AddRange(longLength[..2]);
                break;
            default:
                header.Add((byte)(maskBit | 127));
                BinaryPrimitives.WriteUInt64BigEndian(longLength, (ulong)length);
                header.AddRange(longLength);
                break;
        }

        return [.. header, .. mask ? new byte[] { 0x88, 0x88, 0x88, 0x88 } : [], .. Enumerable.Repeat((byte)0x88, length)];
    }
}
