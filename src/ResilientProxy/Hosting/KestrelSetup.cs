using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ResilientProxy.Configuration.Kestrel;

namespace ResilientProxy.Hosting;

/// <summary>How the servers listen.</summary>
internal static class KestrelSetup
{
    /// <summary>The traffic listeners: the config's endpoints, and none of the server's own caps on what a route's timers decide.</summary>
    /// <param name="kestrel">The server.</param>
    /// <param name="section">The <c>Kestrel</c> section of the config.</param>
    /// <param name="limits">Its limits; null where nothing is said.</param>
    public static void ForTraffic(KestrelServerOptions kestrel, IConfigurationSection section, KestrelLimits? limits)
    {
        kestrel.AddServerHeader = false;

        // A line ends with CRLF and nothing else: whether a bare LF ends one, too, is what two readers of a request differ about (RFC 9112
        // section 2.2). The server reads the switch with its first request; there is no option for it.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

        // Any size, at any pace: a route's own MaxRequestBodySize and Idle say what is too much.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;

        // Header bytes pass as they are: Latin-1 maps every byte to itself (RFC 9110 section 5.5, obs-text).
        kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        if (limits is not null)
        {
            Apply(limits, kestrel.Limits);
        }

        kestrel.Configure(section, reloadOnChange: false);
    }

    private static void Apply(KestrelLimits from, KestrelServerLimits to)
    {
        to.MaxConcurrentConnections = from.MaxConcurrentConnections ?? to.MaxConcurrentConnections;
        to.MaxConcurrentUpgradedConnections = from.MaxConcurrentUpgradedConnections ?? to.MaxConcurrentUpgradedConnections;
        to.MaxRequestBodySize = from.MaxRequestBodySize ?? to.MaxRequestBodySize;
        to.MaxRequestBufferSize = from.MaxRequestBufferSize ?? to.MaxRequestBufferSize;
        to.MaxResponseBufferSize = from.MaxResponseBufferSize ?? to.MaxResponseBufferSize;
        to.MaxRequestLineSize = from.MaxRequestLineSize ?? to.MaxRequestLineSize;
        to.MaxRequestHeadersTotalSize = from.MaxRequestHeadersTotalSize ?? to.MaxRequestHeadersTotalSize;
        to.MaxRequestHeaderCount = from.MaxRequestHeaderCount ?? to.MaxRequestHeaderCount;
        to.KeepAliveTimeout = from.KeepAliveTimeout ?? to.KeepAliveTimeout;
        to.RequestHeadersTimeout = from.RequestHeadersTimeout ?? to.RequestHeadersTimeout;
        to.MinRequestBodyDataRate = Rate(from.MinRequestBodyDataRate);
        to.MinResponseDataRate = Rate(from.MinResponseDataRate);
        if (from.Http2 is { } http2)
        {
            to.Http2.MaxStreamsPerConnection = http2.MaxStreamsPerConnection ?? to.Http2.MaxStreamsPerConnection;
            to.Http2.HeaderTableSize = http2.HeaderTableSize ?? to.Http2.HeaderTableSize;
            to.Http2.MaxFrameSize = http2.MaxFrameSize ?? to.Http2.MaxFrameSize;
            to.Http2.MaxRequestHeaderFieldSize = http2.MaxRequestHeaderFieldSize ?? to.Http2.MaxRequestHeaderFieldSize;
            to.Http2.InitialConnectionWindowSize = http2.InitialConnectionWindowSize ?? to.Http2.InitialConnectionWindowSize;
            to.Http2.InitialStreamWindowSize = http2.InitialStreamWindowSize ?? to.Http2.InitialStreamWindowSize;
            to.Http2.KeepAlivePingDelay = http2.KeepAlivePingDelay ?? to.Http2.KeepAlivePingDelay;
            to.Http2.KeepAlivePingTimeout = http2.KeepAlivePingTimeout ?? to.Http2.KeepAlivePingTimeout;
        }
    }

    private static MinDataRate? Rate(KestrelDataRate? rate) => rate is null ? null : new(rate.BytesPerSecond, rate.GracePeriod);
}
