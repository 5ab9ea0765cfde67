using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ResilientProxy.Hosting;

/// <summary>How the servers listen.</summary>
internal static class KestrelSetup
{
    /// <summary>The traffic listeners: the config's endpoints, and none of the server's own caps on what a route's timers decide.</summary>
    /// <param name="kestrel">The server.</param>
    /// <param name="section">The <c>Kestrel</c> section of the config.</param>
    public static void ForTraffic(KestrelServerOptions kestrel, IConfigurationSection section)
    {
        kestrel.AddServerHeader = false;

        // Any size, at any pace: a route's own MaxRequestBodySize and Idle say what is too much.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;

        // Header bytes pass as they are: Latin-1 maps every byte to itself (RFC 9110 section 5.5, obs-text).
        kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        section.GetSection("Limits").Bind(kestrel.Limits);
        kestrel.Configure(section, reloadOnChange: false);
    }
}
