using ResilientProxy.Values;

namespace ResilientProxy.Configuration;

/// <summary>Whose <c>X-Forwarded-*</c> headers are believed.</summary>
internal sealed record ForwardedHeadersOptions
{
    /// <summary>The proxies in front of this one: addresses, or networks such as "10.0.0.0/8"; none by default. Headers of any other peer are replaced.</summary>
    public IReadOnlyList<AddressRange> KnownProxies { get; init; } = [];
}
