using System.Text;
using ResilientProxy.Http1;

namespace ResilientProxy.UnitTests.Http1;

public class ResponseHeadTests
{
    [Fact]
    public void A_status_line_and_fields_are_read_as_they_stand()
    {
        var head = Read("HTTP/1.1 200 Very  Well\r\nX-One:  a b\t\r\nx-two:\r\nX-One: \u00e9\r\n\r\n");

        Assert.Equal((200, false, "Very  Well"), (head.Status, head.IsHttp10, head.Reason));
        Assert.Equal(["X-One=a b", "x-two=", "X-One=\u00e9"], head.Fields.ToArray().Select(field => $"{field.Name}={field.Value}"));
        Assert.Null(head.ContentLength);
        Assert.False(head.IsChunked);
        Assert.True(head.KeepsConnection);
    }

    [Theory]
    [InlineData("HTTP/1.1 200\r\n\r\n", "")]
    [InlineData("HTTP/1.1 200 \r\n\r\n", "")]
    [InlineData("HTTP/1.1 200 A\r\n\r\n", "A")]
    public void A_reason_may_be_missing(string text, string reason) => Assert.Equal(reason, Read(text).Reason);

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: X-Other, Close\r\n\r\n", false)]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n", false)]
    [InlineData("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false)]
    public void Whether_the_connection_stays_is_said_by_version_and_field(string text, bool stays) => Assert.Equal(stays, Read(text).KeepsConnection);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("0000000000000000000000012", 12)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_length_is_any_number_of_63_bits(string text, long length)
    {
        var head = new ResponseHead();

        head.Read(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {text}\r\n\r\n"));

        Assert.Equal(length, head.ContentLength);
    }

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1  200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2x0 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 O\0K\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno field\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: a\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Field : a\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX Field: a\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Field: a\r\n b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n X-Field: a\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Field: a\rb\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Field: a\0b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Field: a\u007fb\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    public void What_two_readers_may_understand_in_two_ways_is_refused(string text) => Assert.Throws<MalformedAnswerException>(() => Read(text));

    [Theory]
    [InlineData("HTTP/1.1 200 OK\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n")]
    [InlineData("\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\n")]
    public void A_line_without_its_CR_is_refused_as_soon_as_it_ends(string text) =>
        Assert.Throws<MalformedAnswerException>(() => new LineScanner().TryFindEnd(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void The_end_is_found_at_the_same_byte_however_the_bytes_come()
    {
        const string Text = "HTTP/1.1 200 OK\r\nX: \r\nContent-Length: 12\r\n\r\nHTTP/1.1 404";
        var bytes = Encoding.Latin1.GetBytes(Text);
        var expected = Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                var scanner = new LineScanner();
                var found = scanner.TryFindEnd(bytes.AsSpan(0, first), out var length)
                    || scanner.TryFindEnd(bytes.AsSpan(0, second), out length)
                    || scanner.TryFindEnd(bytes, out length);

                Assert.True(found);
                Assert.Equal(expected, length);
            }
        }
    }

    [Fact]
    public void One_object_reads_one_head_after_the_other_and_none_of_them_sees_the_one_before()
    {
        var random = new Random(7);
        var reused = new ResponseHead();
        for (var i = 0; i < 500; i++)
        {
            var text = AnyHead(random);
            reused.Read(Encoding.Latin1.GetBytes(text));
            var fresh = Read(text);

            Assert.Equal(fresh.Fields.ToArray(), reused.Fields.ToArray());
            Assert.Equal(
                (fresh.Status, fresh.Reason, fresh.IsHttp10, fresh.ContentLength, fresh.IsChunked, fresh.KeepsConnection),
                (reused.Status, reused.Reason, reused.IsHttp10, reused.ContentLength, reused.IsChunked, reused.KeepsConnection));
            if (random.Next(4) == 0)
            {
                reused.Trim();
            }
        }
    }

    [Fact]
    public void Any_bytes_are_a_head_or_malformed_and_nothing_else()
    {
        var random = new Random(11);
        for (var i = 0; i < 5000; i++)
        {
            var bytes = Encoding.Latin1.GetBytes(AnyHead(random));
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                if (new LineScanner().TryFindEnd(bytes, out var length))
                {
                    new ResponseHead().Read(bytes.AsSpan(0, length));
                }
            }
            catch (MalformedAnswerException)
            {
                // One of the two things it may be.
            }
        }
    }

    private static string AnyHead(Random random)
    {
        var text = new StringBuilder($"HTTP/1.{random.Next(2)} {random.Next(100, 1000)}{(random.Next(2) == 0 ? " Reason" : " ")}\r\n");
        var fields = random.Next(40);
        for (var i = 0; i < fields; i++)
        {
            text.Append(random.Next(6) switch
            {
                0 => "Connection: close\r\n",
                1 => "Server: x\r\n",
                2 => $"X-{random.Next(5)}: {new string('v', random.Next(300))}\r\n",
                3 => $"Date: {random.Next(3)}\r\n",
                _ => "X-Same: \t same \r\n",
            });
        }

        return text.Append(random.Next(3) == 0 ? $"Content-Length: {random.Next(100)}\r\n\r\n" : "\r\n").ToString();
    }

    private static ResponseHead Read(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        var head = new ResponseHead();
        Assert.True(new LineScanner().TryFindEnd(bytes, out var length));
        head.Read(bytes.AsSpan(0, length));
        return head;
    }
}
