using System.Text;
using ResilientProxy.Http1;

namespace ResilientProxy.UnitTests.Http1;

public class ChunkDecoderTests
{
    [Theory]
    [InlineData("5\r\nhello\r\n0\r\n", "hello")]
    [InlineData("5\r\nhello\r\n6\r\n world\r\n0\r\n", "hello world")]
    [InlineData("A\r\n0123456789\r\n0\r\n", "0123456789")]
    [InlineData("a\r\n0123456789\r\n000\r\n", "0123456789")]
    [InlineData("0000000000000000000000005\r\nhello\r\n0\r\n", "hello")]
    [InlineData("5;name=\"a b\"\r\nhello\r\n0;x\r\n", "hello")]
    [InlineData("5 \t;a\r\nhello\r\n0 \r\n", "hello")]
    [InlineData("0\r\n", "")]
    public void Chunks_are_undone_however_the_bytes_come(string text, string body)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                var decoded = Decode([bytes[..first], bytes[first..second], bytes[second..]], out var atTrailers);

                Assert.Equal(body, decoded);
                Assert.True(atTrailers);
            }
        }
    }

    [Theory]
    [InlineData("x\r\n")]
    [InlineData("\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("+1\r\n")]
    [InlineData(" 1\r\n")]
    [InlineData("0x1\r\n")]
    [InlineData("1 2\r\n")]
    [InlineData("5\nhello")]
    [InlineData("5\rhello")]
    [InlineData("5;a\nhello")]
    [InlineData("5;a\rb\r\nhello")]
    [InlineData("5;a\0\r\nhello")]
    [InlineData("5\r\nhello0\r\n")]
    [InlineData("5\r\nhello\n0\r\n")]
    [InlineData("8000000000000000\r\n")]
    [InlineData("10000000000000005\r\n")]
    public void What_is_no_chunk_is_refused_however_the_bytes_come(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var first = 0; first <= bytes.Length; first++)
        {
            Assert.Throws<MalformedAnswerException>(() => Decode([bytes[..first], bytes[first..]], out _));
        }
    }

    [Fact]
    public void A_size_line_without_end_is_refused() =>
        Assert.Throws<MalformedAnswerException>(() => Decode([Encoding.Latin1.GetBytes("1;" + new string('a', 5000))], out _));

    [Fact]
    public void A_body_that_stops_anywhere_before_its_last_chunk_is_not_at_its_end()
    {
        var bytes = "5\r\nhello\r\n0\r\n"u8.ToArray();
        for (var length = 0; length < bytes.Length; length++)
        {
            Decode([bytes[..length]], out var atTrailers);

            Assert.False(atTrailers);
        }
    }

    private static string Decode(IEnumerable<byte[]> pieces, out bool atTrailers)
    {
        var decoder = new ChunkDecoder();
        var body = new StringBuilder();
        foreach (var piece in pieces)
        {
            var rest = piece.AsSpan();
            while (!rest.IsEmpty && !decoder.AtTrailers)
            {
                if (decoder.Left > 0)
                {
                    var count = (int)Math.Min(rest.Length, decoder.Left);
                    body.Append(Encoding.Latin1.GetString(rest[..count]));
                    decoder.Take(count);
                    rest = rest[count..];
                }

                rest = rest[decoder.Read(rest)..];
            }
        }

        atTrailers = decoder.AtTrailers;
        return body.ToString();
    }
}
