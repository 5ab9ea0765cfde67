using System.Buffers;
using System.Text;

namespace ResilientProxy.Http1;

/// <summary>Bytes on their way to the socket, in an array that is only borrowed while there are any.</summary>
internal sealed class OutBuffer
{
    // A head of a few fields. Many are in flight at once: larger ones would be more than the pool keeps of a size.
    private const int Smallest = 512;

    private byte[] _bytes = [];
    private int _length;

    /// <summary>What has been written and not yet sent.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>How many bytes wait to be sent.</summary>
    public int Length => _length;

    /// <summary>Whether nothing waits to be sent.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>Appends bytes as they are.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Appends characters, one byte each.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The bytes it has become: to be looked at.</returns>
    public ReadOnlySpan<byte> WriteLatin1(ReadOnlySpan<char> text)
    {
        var target = Reserve(text.Length)[..text.Length];
        Encoding.Latin1.GetBytes(text, target);
        _length += text.Length;
        return target;
    }

    /// <summary>Appends a number.</summary>
    /// <param name="number">The number.</param>
    /// <param name="hexadecimal">Whether in base 16.</param>
    public void Write(long number, bool hexadecimal = false)
    {
        number.TryFormat(Reserve(20), out var written, hexadecimal ? "x" : default, System.Globalization.CultureInfo.InvariantCulture);
        _length += written;
    }

    /// <summary>Forgets what was sent.</summary>
    public void Clear() => _length = 0;

    /// <summary>Takes over what another one holds, which is empty then.</summary>
    /// <param name="other">The other one; this one must be empty.</param>
    public void Adopt(OutBuffer other)
    {
        Release();
        (_bytes, _length, other._bytes, other._length) = (other._bytes, other._length, [], 0);
    }

    /// <summary>Gives the array back. Nothing may be sending from it.</summary>
    public void Release()
    {
        _length = 0;
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private Span<byte> Reserve(int count)
    {
        if (count > _bytes.Length - _length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Smallest, Math.Max(_length + count, 2 * _bytes.Length)));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            if (_bytes.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
            }

            _bytes = larger;
        }

        return _bytes.AsSpan(_length);
    }
}
