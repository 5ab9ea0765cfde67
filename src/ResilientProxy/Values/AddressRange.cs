using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ResilientProxy.Values;

/// <summary>An IP address, or a network in CIDR notation.</summary>
/// <param name="Text">As the config writes it.</param>
/// <param name="Network">The network; of one address for an address.</param>
[TextFormat("an IP address such as \"10.0.0.7\", or a network such as \"10.0.0.0/8\" with no bit set behind its prefix", "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$")]
internal readonly record struct AddressRange(string Text, IPNetwork Network) : IParsable<AddressRange>, IFormattable
{
    /// <summary>Whether it holds every address there is.</summary>
    public bool IsEverybody => Network.PrefixLength == 0;

    /// <summary>Whether an address is in it.</summary>
    /// <param name="address">The address; not an IPv4 address mapped to IPv6, see <see cref="Plain"/>.</param>
    public bool Contains(IPAddress address) => Network.Contains(address);

    /// <summary>An address as it is compared: a listener for both families shows IPv4 clients as IPv6 addresses.</summary>
    /// <param name="address">The address.</param>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <inheritdoc/>
    public static AddressRange Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var range) ? range : throw new FormatException($"\"{s}\" is no address and no network.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out AddressRange result)
    {
        result = default;
        s = s?.Trim() ?? "";
        var slash = s.IndexOf('/', StringComparison.Ordinal);
        if (!TryParseAddress(slash < 0 ? s : s.AsSpan(0, slash), out var address))
        {
            return false;
        }

        var most = address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
        var prefix = most;
        if (slash >= 0 && (!int.TryParse(s.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > most))
        {
            return false;
        }

        // The framework clears the bits behind the prefix; whoever wrote "10.0.0.7/8" may have meant the one address.
        var network = new IPNetwork(address, prefix);
        result = new(s, network);
        return network.BaseAddress.Equals(address);
    }

    /// <summary>Reads an address in its usual notation only: <see cref="IPAddress.TryParse(ReadOnlySpan{char}, out IPAddress?)"/> takes "1", "0x7f.1", octal numbers and "[::1]:80" as well.</summary>
    /// <param name="text">The text.</param>
    /// <param name="address">The address, <see cref="Plain"/>.</param>
    public static bool TryParseAddress(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (text.IndexOfAny('%', '[') >= 0 || !IPAddress.TryParse(text, out address))
        {
            address = null;
            return false;
        }

        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            address = Plain(address);
            return true;
        }

        Span<char> canonical = stackalloc char[15];
        return address.TryFormat(canonical, out var length) && text.SequenceEqual(canonical[..length]);
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => Text;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
