using System.Globalization;

namespace ResilientProxy.Forwarding;

/// <summary>Who this proxy is to the others on a request's way.</summary>
internal sealed class ProxyIdentity
{
    // One field value for each version of HTTP a request can come in: it is the same for every request.
    private readonly string _http10;
    private readonly string _http11;
    private readonly string _http2;
    private readonly string _http3;

    /// <summary>Its name in <c>Via</c> (RFC 9110 section 7.6.3): one of its own for every running proxy, so that two in a row are no loop.</summary>
    public string Pseudonym { get; }

    /// <summary>Makes up its name.</summary>
    public ProxyIdentity()
    {
        Pseudonym = "resilient-proxy-" + Random.Shared.NextInt64(1L << 40).ToString("x10", CultureInfo.InvariantCulture);
        (_http10, _http11, _http2, _http3) = ($"1.0 {Pseudonym}", $"1.1 {Pseudonym}", $"2.0 {Pseudonym}", $"3.0 {Pseudonym}");
    }

    /// <summary>What it adds to <c>Via</c>.</summary>
    /// <param name="protocol">The protocol the request came in.</param>
    public string Via(string protocol) =>
        HttpProtocol.IsHttp11(protocol) ? _http11 : HttpProtocol.IsHttp2(protocol) ? _http2 : HttpProtocol.IsHttp10(protocol) ? _http10 : _http3;
}
