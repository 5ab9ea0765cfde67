using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using ResilientProxy.Http1;

namespace ResilientProxy.Forwarding;

/// <summary>Copies a response's fields to the client where no transform has a say in them: as YARP's default transforms do.</summary>
internal static class PlainFields
{
    /// <summary>Fields for this hop only (RFC 9110 section 7.6.1), or about it.</summary>
    public static readonly FrozenSet<string> StayBehind = new[]
    {
        HeaderNames.Connection, HeaderNames.TransferEncoding, HeaderNames.KeepAlive, HeaderNames.Upgrade, HeaderNames.ProxyConnection,
        HeaderNames.ProxyAuthenticate, "Proxy-Authentication-Info", HeaderNames.ProxyAuthorization, "Proxy-Features", "Proxy-Instruction",
        "Security-Scheme", "ALPN", "Close", "HTTP2-Settings", HeaderNames.UpgradeInsecureRequests, HeaderNames.TE, HeaderNames.AltSvc,
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Copies them.</summary>
    /// <param name="fields">The upstream's fields.</param>
    /// <param name="headers">The client's headers; what stands in them already stays.</param>
    public static void Copy(ResponseHead.Field[] fields, IHeaderDictionary headers)
    {
        foreach (ref readonly var field in fields.AsSpan())
        {
            if (StayBehind.Contains(field.Name))
            {
                continue;
            }

            var before = headers[field.Name];
            if (before.Count == 0)
            {
                headers[field.Name] = field.Value;
            }
            else if (!field.Name.Equals(HeaderNames.StrictTransportSecurity, StringComparison.OrdinalIgnoreCase))
            {
                headers[field.Name] = StringValues.Concat(before, field.Value); // this proxy's own word on transport security counts
            }
        }
    }
}
