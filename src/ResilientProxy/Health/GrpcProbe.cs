using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Text;

namespace ResilientProxy.Health;

/// <summary>The call <c>grpc.health.v1.Health/Check</c>. Its two messages have one field each, so they are written and read by hand.</summary>
/// <remarks>https://github.com/grpc/grpc/blob/master/doc/health-checking.md, framing as in PROTOCOL-HTTP2.md beside it.</remarks>
internal static class GrpcProbe
{
    private const int FrameHeadBytes = 5; // compressed or not, then the message's length
    private const ulong Serving = 1;

    /// <summary>Asks.</summary>
    /// <param name="settings">Whom.</param>
    /// <param name="maxBytes">The longest answer that is read.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ProbeResult> CheckAsync(ProbeSettings settings, int maxBytes, CancellationToken cancellationToken)
    {
        // Exactly HTTP/2: without TLS there is no negotiation, the connection begins as HTTP/2 (RFC 9113 section 3.3).
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(settings.Address, "grpc.health.v1.Health/Check"))
        {
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Request(settings.Options.Service)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.TryAddWithoutValidation("User-Agent", HealthProbe.UserAgent);
        request.Headers.Host = settings.Host;
        using var response = await settings.Invoker.SendAsync(request, cancellationToken);
        if (response.StatusCode != System.Net.HttpStatusCode.OK)
        {
            return new(ProbeResult.Status, $"it answered {(int)response.StatusCode}");
        }

        var body = await HealthProbe.ReadAsync(response.Content, maxBytes, cancellationToken); // to its end: trailers come after it
        var status = StatusOf(response.TrailingHeaders) ?? StatusOf(response.Headers); // an answer of headers only has it there
        return status != "0" ? new(ProbeResult.GrpcStatus, $"the call ended with grpc-status {status ?? "missing"}")
            : ServingStatus(body) == Serving ? ProbeResult.Well
            : new(ProbeResult.NotServing, "the service does not serve");
    }

    /// <summary>A framed <c>HealthCheckRequest</c>: field 1, the service's name.</summary>
    /// <param name="service">The name; empty for the server as a whole.</param>
    internal static byte[] Request(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        List<byte> message = [];
        if (name.Length > 0)
        {
            message.Add((1 << 3) | 2); // field 1, length-delimited
            for (var rest = (uint)name.Length; ; rest >>= 7)
            {
                if (rest < 0x80)
                {
                    message.Add((byte)rest);
                    break;
                }

                message.Add((byte)(rest | 0x80));
            }

            message.AddRange(name);
        }

        var frame = new byte[FrameHeadBytes + message.Count];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Count);
        message.CopyTo(frame, FrameHeadBytes);
        return frame;
    }

    /// <summary>The status in a framed <c>HealthCheckResponse</c>, field 1; 0 (unknown) where it is left out or the message is none.</summary>
    /// <param name="frame">The body.</param>
    internal static ulong ServingStatus(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < FrameHeadBytes || frame[0] != 0 || BinaryPrimitives.ReadUInt32BigEndian(frame[1..]) != frame.Length - FrameHeadBytes)
        {
            return 0;
        }

        ulong status = 0;
        var rest = frame[FrameHeadBytes..];
        while (TryReadVarint(ref rest, out var tag))
        {
            if ((tag & 7) == 0 && TryReadVarint(ref rest, out var value))
            {
                status = tag >> 3 == 1 ? value : status;
                continue;
            }

            // A field of a later version of the message: stepped over.
            var length = (tag & 7) switch
            {
                1 => 8UL,
                2 when TryReadVarint(ref rest, out var bytes) => bytes,
                5 => 4UL,
                _ => ulong.MaxValue,
            };
            if (length > (ulong)rest.Length)
            {
                return 0;
            }

            rest = rest[(int)length..];
        }

        return rest.IsEmpty ? status : 0;
    }

    private static bool TryReadVarint(ref ReadOnlySpan<byte> from, out ulong value)
    {
        value = 0;
        for (var i = 0; i < from.Length && i < 10; i++)
        {
            value |= (ulong)(from[i] & 0x7F) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private static string? StatusOf(HttpHeaders headers) =>
        headers.NonValidated.TryGetValues("grpc-status", out var values) ? values.ToString() : null;
}
