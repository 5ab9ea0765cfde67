using System.Buffers.Binary;
using System.Numerics;

namespace ResilientProxy.RateLimiting;

/// <summary>SipHash-2-4 with 128 bits, Aumasson and Bernstein 2012: a keyed hash that is quick for short texts and whose collisions cannot be found without the key.</summary>
internal static class SipHash
{
    /// <summary>The hash.</summary>
    /// <param name="data">What is hashed.</param>
    /// <param name="k0">The key's first half.</param>
    /// <param name="k1">The key's second half.</param>
    public static PartitionKey Hash128(ReadOnlySpan<byte> data, ulong k0, ulong k1)
    {
        var v0 = 0x736f6d6570736575UL ^ k0;
        var v1 = 0x646f72616e646f6dUL ^ k1 ^ 0xee;
        var v2 = 0x6c7967656e657261UL ^ k0;
        var v3 = 0x7465646279746573UL ^ k1;
        var last = (ulong)data.Length << 56;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
        {
            Absorb(BinaryPrimitives.ReadUInt64LittleEndian(data), ref v0, ref v1, ref v2, ref v3);
        }

        for (var i = 0; i < data.Length; i++)
        {
            last |= (ulong)data[i] << (8 * i);
        }

        Absorb(last, ref v0, ref v1, ref v2, ref v3);
        v2 ^= 0xee;
        Rounds(4, ref v0, ref v1, ref v2, ref v3);
        var low = v0 ^ v1 ^ v2 ^ v3;
        v1 ^= 0xdd;
        Rounds(4, ref v0, ref v1, ref v2, ref v3);
        return new(low, v0 ^ v1 ^ v2 ^ v3);
    }

    private static void Absorb(ulong word, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v3 ^= word;
        Rounds(2, ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    private static void Rounds(int count, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        for (; count > 0; count--)
        {
            v0 += v1;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v3;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}
