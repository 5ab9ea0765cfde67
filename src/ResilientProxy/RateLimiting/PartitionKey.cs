using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ResilientProxy.RateLimiting;

/// <summary>A partition's name, as 128 bits of a keyed hash: 16 bytes whatever a client sends, and nobody outside can make two names the same.</summary>
internal readonly record struct PartitionKey(ulong Low, ulong High)
{
    /// <summary>The partition of the requests that name none.</summary>
    public static PartitionKey None => default;

    // Of this process alone: a hash without a secret could be attacked from outside.
    private static readonly (ulong First, ulong Second) Secret = NewSecret();

    /// <summary>The partition of a header's value.</summary>
    /// <param name="value">The value.</param>
    public static PartitionKey Of(string value) => SipHash.Hash128(MemoryMarshal.AsBytes(value.AsSpan()), Secret.First, Secret.Second);

    /// <summary>The partition of an address: an IPv6 client commands a whole /64, so that is what counts as one.</summary>
    /// <param name="address">The address; null where the connection has none.</param>
    public static PartitionKey Of(IPAddress? address)
    {
        if (address is null)
        {
            return None;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length))
        {
            return None;
        }

        ReadOnlySpan<byte> significant = address.AddressFamily == AddressFamily.InterNetworkV6
            ? address.IsIPv4MappedToIPv6 ? bytes[12..16] : bytes[..8]
            : bytes[..length];
        return SipHash.Hash128(significant, Secret.First, Secret.Second);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Low;

    private static (ulong First, ulong Second) NewSecret()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return (BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
    }
}
