namespace ResilientProxy.Forwarding;

/// <summary>The destinations one request has been to, by their index. The first 64 take no memory of their own, and few clusters have more.</summary>
internal struct TriedDestinations
{
    private const int Bits = 64;

    private ulong _first;
    private HashSet<int>? _further;

    /// <summary>Whether it has been nowhere yet.</summary>
    public readonly bool IsEmpty => _first == 0 && _further is null;

    /// <summary>Whether it has been there.</summary>
    /// <param name="index">The destination's index.</param>
    public readonly bool Contains(int index) => index < Bits ? (_first >> index & 1) != 0 : _further?.Contains(index) == true;

    /// <summary>It goes there.</summary>
    /// <param name="index">The destination's index.</param>
    public void Add(int index)
    {
        if (index < Bits)
        {
            _first |= 1UL << index;
        }
        else
        {
            (_further ??= []).Add(index);
        }
    }
}
