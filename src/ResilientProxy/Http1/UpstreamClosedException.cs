namespace ResilientProxy.Http1;

/// <summary>The upstream closed an HTTP/1.1 connection on which a response was due, before the first byte of that response.</summary>
/// <param name="reused">Whether the connection had carried a whole exchange before.</param>
/// <param name="inner">What the connection itself said; null where it just ended.</param>
internal sealed class UpstreamClosedException(bool reused, Exception? inner = null)
    : IOException("The upstream closed the connection before the first byte of its response.", inner)
{
    /// <summary>Whether the connection had carried an exchange before: then the upstream most likely closed it for idleness.</summary>
    public bool Reused => reused;
}
