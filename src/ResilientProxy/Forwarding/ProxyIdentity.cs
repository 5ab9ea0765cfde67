using System.Globalization;

namespace ResilientProxy.Forwarding;

/// <summary>Who this proxy is to the others on a request's way.</summary>
internal sealed class ProxyIdentity
{
    /// <summary>Its name in <c>Via</c> (RFC 9110 section 7.6.3): one of its own for every running proxy, so that two in a row are no loop.</summary>
    public string Pseudonym { get; } = "resilient-proxy-" + Random.Shared.NextInt64(1L << 40).ToString("x10", CultureInfo.InvariantCulture);
}
