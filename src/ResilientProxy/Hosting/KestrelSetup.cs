using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Net.Http.Headers;
using ResilientProxy.Configuration.Kestrel;
using ResilientProxy.Tls;

namespace ResilientProxy.Hosting;

/// <summary>How the servers listen.</summary>
internal static class KestrelSetup
{
    private static readonly ContentLengthEncoding ContentLength = new();

    private static readonly string[] TlsKeys = ["Certificate", "Sni", "SslProtocols", "ClientCertificateMode", "ClientCertificateAuthority"];

    /// <summary>The traffic listeners: the config's endpoints, and none of the server's own caps on what a route's timers decide.</summary>
    /// <param name="kestrel">The server.</param>
    /// <param name="section">The <c>Kestrel</c> section of the config, without what <see cref="IsTls"/>.</param>
    /// <param name="config">The same as read.</param>
    public static void ForTraffic(KestrelServerOptions kestrel, IConfigurationSection section, KestrelSection config)
    {
        kestrel.AddServerHeader = false;

        // A line ends with CRLF and nothing else: whether a bare LF ends one, too, is what two readers of a request differ about (RFC 9112
        // section 2.2). The server reads the switch with its first request; there is no option for it.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

        // Any size, at any pace: a route's own MaxRequestBodySize and Idle say what is too much.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;

        // Header bytes pass as they are: Latin-1 maps every byte to itself (RFC 9110 section 5.5, obs-text). But for the one the server reads itself.
        kestrel.RequestHeaderEncodingSelector = static name => name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) ? ContentLength : Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        Apply(config.Limits ?? new(), kestrel.Limits);

        var loader = kestrel.Configure(section, reloadOnChange: false);
        var certificates = kestrel.ApplicationServices.GetRequiredService<CertificateStore>();
        foreach (var (name, endpoint) in config.Endpoints.Where(static endpoint => endpoint.Value.IsHttps))
        {
            var listener = new TlsListener(name, endpoint, config, certificates);
            loader.Endpoint(name, configuration => configuration.ListenOptions.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = listener.SelectAsync }));
        }
    }

    /// <summary>Whether a setting is about TLS: Kestrel does not get to see those, because it reads certificates once and never again.</summary>
    /// <param name="key">The setting's key, from <c>Kestrel:</c>.</param>
    public static bool IsTls(string key) => key.Split(':') switch
    {
        [var root, var certificates, ..] when Is(root, "Kestrel") && Is(certificates, "Certificates") => true,
        [var root, var defaults, var setting, ..] when Is(root, "Kestrel") && Is(defaults, "EndpointDefaults") => TlsKeys.Contains(setting, StringComparer.OrdinalIgnoreCase),
        [var root, var endpoints, _, var setting, ..] when Is(root, "Kestrel") && Is(endpoints, "Endpoints") => TlsKeys.Contains(setting, StringComparer.OrdinalIgnoreCase),
        _ => false,
    };

    private static bool Is(string key, string name) => key.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static void Apply(KestrelLimits from, KestrelServerLimits to)
    {
        to.MaxConcurrentConnections = from.MaxConcurrentConnections;
        to.MaxConcurrentUpgradedConnections = from.MaxConcurrentUpgradedConnections;
        to.MaxRequestBodySize = from.MaxRequestBodySize ?? to.MaxRequestBodySize;
        to.MaxRequestBufferSize = from.MaxRequestBufferSize ?? to.MaxRequestBufferSize;
        to.MaxResponseBufferSize = from.MaxResponseBufferSize ?? to.MaxResponseBufferSize;
        to.MaxRequestLineSize = from.MaxRequestLineSize;
        to.MaxRequestHeadersTotalSize = from.MaxRequestHeadersTotalSize;
        to.MaxRequestHeaderCount = from.MaxRequestHeaderCount;
        to.KeepAliveTimeout = from.KeepAliveTimeout;
        to.RequestHeadersTimeout = from.RequestHeadersTimeout;
        to.MinRequestBodyDataRate = Rate(from.MinRequestBodyDataRate);
        to.MinResponseDataRate = Rate(from.MinResponseDataRate);
        if (from.Http2 is { } http2)
        {
            Apply(http2, to.Http2);
        }
    }

    private static void Apply(KestrelHttp2Limits from, Http2Limits to)
    {
        to.MaxStreamsPerConnection = from.MaxStreamsPerConnection ?? int.MaxValue;
        to.HeaderTableSize = from.HeaderTableSize ?? to.HeaderTableSize;
        to.MaxFrameSize = from.MaxFrameSize ?? to.MaxFrameSize;
        to.MaxRequestHeaderFieldSize = from.MaxRequestHeaderFieldSize ?? to.MaxRequestHeaderFieldSize;
        to.InitialConnectionWindowSize = from.InitialConnectionWindowSize ?? to.InitialConnectionWindowSize;
        to.InitialStreamWindowSize = from.InitialStreamWindowSize ?? to.InitialStreamWindowSize;
        to.KeepAlivePingDelay = from.KeepAlivePingDelay ?? to.KeepAlivePingDelay;
        to.KeepAlivePingTimeout = from.KeepAlivePingTimeout ?? to.KeepAlivePingTimeout;
    }

    private static MinDataRate? Rate(KestrelDataRate? rate) => rate is null ? null : new(rate.BytesPerSecond, rate.GracePeriod);
}
