using System.Net.Sockets;
using ResilientProxy.Values;

namespace ResilientProxy.UnitTests.Values;

public class DescriptorReserveTests
{
    [Theory]
    [InlineData(1_048_576, 64, 32)]
    [InlineData(1024, 64, 32)]
    [InlineData(256, 32, 16)]
    [InlineData(0, 0, 0)]
    public void Of_a_small_limit_less_is_kept_and_traffic_stops_first(long limit, int fromTraffic, int fromOwn)
    {
        Assert.Equal(fromTraffic, DescriptorReserve.KeptFrom(DescriptorUse.Traffic, limit));
        Assert.Equal(fromOwn, DescriptorReserve.KeptFrom(DescriptorUse.Own, limit));
    }

    [Fact]
    public void With_few_files_open_there_is_room()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);

        Assert.False(DescriptorReserve.Holds(socket, DescriptorUse.Traffic));
        Assert.True(DescriptorReserve.HasRoom(DescriptorUse.Own));
        DescriptorReserve.ThrowIfTouched();
    }
}
