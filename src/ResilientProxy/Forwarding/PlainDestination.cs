using System.Buffers;

namespace ResilientProxy.Forwarding;

/// <summary>A destination spoken to without encryption, its address taken apart once for all requests.</summary>
/// <param name="Uri">Where connections go.</param>
/// <param name="Authority">What <c>Host</c> says: RFC 9110 section 7.2.</param>
/// <param name="BasePath">What comes before the path; empty for nothing.</param>
internal sealed record PlainDestination(Uri Uri, string Authority, string BasePath)
{
    // What may stand in a base path and means the same to everybody.
    private static readonly SearchValues<char> PathCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/");

    /// <summary>Reads it from an address.</summary>
    /// <param name="address">A destination's URL prefix.</param>
    /// <returns>Null where it is encrypted, or has anything beyond host, port and a simple path.</returns>
    public static PlainDestination? Of(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || !ReferenceEquals(uri.Scheme, Uri.UriSchemeHttp) || uri.UserInfo.Length > 0
            || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.AbsolutePath.AsSpan().ContainsAnyExcept(PathCharacters))
        {
            return null;
        }

        var host = uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.IdnHost.AsSpan().Trim("[]")}]" : uri.IdnHost;
        return new(uri, uri.IsDefaultPort ? host : $"{host}:{uri.Port}", uri.AbsolutePath.TrimEnd('/'));
    }
}
