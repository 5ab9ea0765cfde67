using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using ResilientProxy.Forwarding;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Forwarding;

public class ClientAddressTests
{
    private static readonly AddressRange[] Known = [.. new[] { "10.0.0.0/8", "127.0.0.1", "fd00::/8" }.Select(text => AddressRange.Parse(text, null))];

    [Theory]
    [InlineData("192.0.2.1", "198.51.100.1", "192.0.2.1")]
    [InlineData("10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("fd00::1", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", null, "10.0.0.1")]
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    [InlineData("10.0.0.1", "198.51.100.1:4711", "198.51.100.1")]
    [InlineData("10.0.0.1", "2001:db8::1", "2001:db8::1")]
    [InlineData("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1")]
    [InlineData("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1")]
    public void The_client_is_the_first_from_the_right_that_is_no_known_proxy(string peer, string? forwardedFor, string client) =>
        Assert.Equal(client, Resolve(peer, forwardedFor));

    [Theory]
    [InlineData("198.51.100.1, unknown")]
    [InlineData("198.51.100.1, ,")]
    [InlineData("198.51.100.1, 1")]
    [InlineData("198.51.100.1, 010.0.0.2")]
    [InlineData("198.51.100.1, 0x7f.1")]
    [InlineData("198.51.100.1, fe80::1%eth0")]
    [InlineData("198.51.100.1, 10.0.0.2:port")]
    [InlineData("198.51.100.1, [::1")]
    public void An_entry_that_is_no_address_ends_the_walk(string forwardedFor) => Assert.Equal("10.0.0.1", Resolve("10.0.0.1", forwardedFor));

    [Fact]
    public void Lines_count_as_one_list()
    {
        var headers = new HeaderDictionary { ["X-Forwarded-For"] = new StringValues(["6.6.6.6, 198.51.100.1", "10.0.0.3", "10.0.0.2"]) };

        Assert.Equal("198.51.100.1", ClientAddress.Resolve(IPAddress.Parse("10.0.0.1"), headers, Known).Address!.ToString());
    }

    [Fact]
    public void A_connection_without_an_address_is_nobody_we_know()
    {
        var headers = new HeaderDictionary { ["X-Forwarded-For"] = "198.51.100.1" };

        Assert.Equal(new ClientAddress(null, PeerIsKnown: false), ClientAddress.Resolve(null, headers, Known));
    }

    private static string Resolve(string peer, string? forwardedFor)
    {
        var headers = new HeaderDictionary();
        if (forwardedFor is not null)
        {
            headers["X-Forwarded-For"] = forwardedFor;
        }

        return ClientAddress.Resolve(IPAddress.Parse(peer), headers, Known).Address!.ToString();
    }
}
