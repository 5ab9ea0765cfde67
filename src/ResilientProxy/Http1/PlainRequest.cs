using System.Diagnostics.CodeAnalysis;

namespace ResilientProxy.Http1;

/// <summary>A request whose response's fields go on as they are: they need not become header objects first.</summary>
/// <remarks>
/// The response then has its fields in <see cref="ResponseContent.Fields"/> and no headers, except where this proxy itself may have to look at them:
/// in errors, and where a field speaks to a gateway. Its own head may have been written beforehand; then it has no headers either.
/// </remarks>
internal sealed class PlainRequest : HttpRequestMessage
{
    private OutBuffer? _head;

    /// <summary>The bytes of the body, where the head is written; null for one in chunks.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>Whether the head that is written asks to be asked for the body.</summary>
    public bool Expects { get; private set; }

    /// <summary>Its head is written, whole.</summary>
    /// <param name="head">The head; it is this request's from now on.</param>
    /// <param name="contentLength">The bytes of the body; null for one in chunks.</param>
    /// <param name="expects">Whether it asks to be asked for the body.</param>
    public void SetHead(OutBuffer head, long? contentLength, bool expects) => (_head, ContentLength, Expects) = (head, contentLength, expects);

    /// <summary>Gives the written head away: to whoever comes first, for it is sent once or released once.</summary>
    /// <param name="head">The head.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTakeHead([NotNullWhen(true)] out OutBuffer? head) => (head = Interlocked.Exchange(ref _head, null)) is not null;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && TryTakeHead(out var head))
        {
            head.Release();
        }

        base.Dispose(disposing);
    }
}
