using System.Net;

namespace ResilientProxy.Http1;

/// <summary>A response's body, as .NET's messages carry it.</summary>
/// <param name="body">The body.</param>
internal sealed class ResponseContent(ResponseBody body) : HttpContent
{
    /// <summary>The response's fields where they are not in its headers; null where they are.</summary>
    public ResponseHead.Field[]? Fields { get; set; }

    /// <summary>The body.</summary>
    public ResponseBody Body => body;

    /// <inheritdoc/>
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(body);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => body.CopyToAsync(stream);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        body.CopyToAsync(stream, cancellationToken);

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false; // where there is one, it stands in the headers
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            body.Dispose();
        }

        base.Dispose(disposing);
    }
}
