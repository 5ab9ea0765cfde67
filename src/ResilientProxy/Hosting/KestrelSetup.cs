using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using ResilientProxy.Configuration.Kestrel;
using ResilientProxy.Tls;

namespace ResilientProxy.Hosting;

/// <summary>How the servers listen.</summary>
internal static class KestrelSetup
{
    private static readonly string[] TlsKeys = ["Certificate", "Sni", "SslProtocols", "ClientCertificateMode", "ClientCertificateAuthority"];

    /// <summary>The traffic listeners: the config's endpoints, and none of the server's own caps on what a route's timers decide.</summary>
    /// <param name="kestrel">The server.</param>
    /// <param name="section">The <c>Kestrel</c> section of the config, without what <see cref="IsTls"/>.</param>
    /// <param name="config">The same as read.</param>
    public static void ForTraffic(KestrelServerOptions kestrel, IConfigurationSection section, KestrelSection config)
    {
        kestrel.AddServerHeader = false;

        // Any size, at any pace: a route's own MaxRequestBodySize and Idle say what is too much.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;

        // Header bytes pass as they are: Latin-1 maps every byte to itself (RFC 9110 section 5.5, obs-text).
        kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        Apply(config.Limits, kestrel.Limits);

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
        to.MaxConcurrentConnections = from.MaxConcurrentConnections ?? to.MaxConcurrentConnections;
        to.MaxConcurrentUpgradedConnections = from.MaxConcurrentUpgradedConnections ?? to.MaxConcurrentUpgradedConnections;
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
        to.Http2.MaxStreamsPerConnection = from.Http2.MaxStreamsPerConnection;
        to.Http2.HeaderTableSize = from.Http2.HeaderTableSize ?? to.Http2.HeaderTableSize;
        to.Http2.MaxFrameSize = from.Http2.MaxFrameSize ?? to.Http2.MaxFrameSize;
        to.Http2.MaxRequestHeaderFieldSize = from.Http2.MaxRequestHeaderFieldSize ?? to.Http2.MaxRequestHeaderFieldSize;
        to.Http2.InitialConnectionWindowSize = from.Http2.InitialConnectionWindowSize ?? to.Http2.InitialConnectionWindowSize;
        to.Http2.InitialStreamWindowSize = from.Http2.InitialStreamWindowSize ?? to.Http2.InitialStreamWindowSize;
        to.Http2.KeepAlivePingDelay = from.Http2.KeepAlivePingDelay ?? to.Http2.KeepAlivePingDelay;
        to.Http2.KeepAlivePingTimeout = from.Http2.KeepAlivePingTimeout ?? to.Http2.KeepAlivePingTimeout;
    }

    private static MinDataRate? Rate(KestrelDataRate? rate) => rate is null ? null : new(rate.BytesPerSecond, rate.GracePeriod);
}
