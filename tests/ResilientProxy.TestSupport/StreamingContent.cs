using System.Net;

namespace ResilientProxy.TestSupport;

/// <summary>A request body that is sent part by part: HttpClient holds small writes back unless they are flushed.</summary>
/// <param name="parts">Waits for what may be sent next; null at the end.</param>
public sealed class StreamingContent(Func<Task<byte[]?>> parts) : HttpContent
{
    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.FlushAsync();
        while (await parts() is { } part)
        {
            await stream.WriteAsync(part);
            await stream.FlushAsync();
        }
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
