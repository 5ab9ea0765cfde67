using System.Net;
using Microsoft.Extensions.Primitives;
using ResilientProxy.Values;

namespace ResilientProxy.Forwarding;

/// <summary>Who sent a request: the connection's peer, or the client that a proxy we know says it forwards for.</summary>
/// <param name="Address">The client's address; null where the connection has none.</param>
/// <param name="PeerIsKnown">Whether the peer is one of the known proxies, whose <c>X-Forwarded-*</c> headers are believed.</param>
internal readonly record struct ClientAddress(IPAddress? Address, bool PeerIsKnown)
{
    private const string ForwardedFor = "X-Forwarded-For";

    /// <summary>Finds the client. From the right each entry was written by the proxy right of it, so the first one that is no known proxy is the last that can be believed.</summary>
    /// <param name="peer">The connection's peer; null where it has no address.</param>
    /// <param name="headers">The request's headers.</param>
    /// <param name="knownProxies">The known proxies.</param>
    public static ClientAddress Resolve(IPAddress? peer, IHeaderDictionary headers, IReadOnlyList<AddressRange> knownProxies)
    {
        if (peer is null)
        {
            return new(null, PeerIsKnown: false);
        }

        peer = AddressRange.Plain(peer);
        return IsKnown(peer, knownProxies)
            ? new(Walk(peer, headers[ForwardedFor], knownProxies), PeerIsKnown: true)
            : new(peer, PeerIsKnown: false);
    }

    private static bool IsKnown(IPAddress address, IReadOnlyList<AddressRange> knownProxies)
    {
        for (var i = 0; i < knownProxies.Count; i++)
        {
            if (knownProxies[i].Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private static IPAddress Walk(IPAddress peer, StringValues lines, IReadOnlyList<AddressRange> knownProxies)
    {
        var client = peer;
        for (var i = lines.Count - 1; i >= 0; i--)
        {
            var rest = lines[i].AsSpan();
            while (!rest.IsEmpty)
            {
                var comma = rest.LastIndexOf(',');
                var entry = rest[(comma + 1)..].Trim();
                rest = rest[..Math.Max(comma, 0)];
                if (!TryParse(entry, out var address))
                {
                    return client; // what stands left of nonsense may be nonsense as well
                }

                client = address;
                if (!IsKnown(client, knownProxies))
                {
                    return client;
                }
            }
        }

        return client;
    }

    // With a port, as some load balancers write it, or without; an IPv6 address in brackets or without.
    private static bool TryParse(ReadOnlySpan<char> entry, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (entry.StartsWith('['))
        {
            var end = entry.IndexOf(']');
            return end > 0 && IsPort(entry[(end + 1)..]) && AddressRange.TryParseAddress(entry[1..end], out address);
        }

        var colon = entry.IndexOf(':');
        if (colon >= 0 && colon == entry.LastIndexOf(':'))
        {
            return IsPort(entry[colon..]) && AddressRange.TryParseAddress(entry[..colon], out address);
        }

        return AddressRange.TryParseAddress(entry, out address);
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        text.IsEmpty || (text.Length is > 1 and <= 6 && text[0] == ':' && !text[1..].ContainsAnyExceptInRange('0', '9'));
}
