using ResilientProxy.Forwarding;
using static ResilientProxy.UnitTests.Forwarding.WebSocketFramesTests;

namespace ResilientProxy.UnitTests.Forwarding;

public sealed class ClientWebSocketStreamTests : IDisposable
{
    private const byte Text = 0x81, Close = 0x88;
    private static readonly byte[] GoingAway = [0x88, 0x02, 0x03, 0xE9];

    private readonly MemoryStream _client = new();

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Between_two_frames_the_close_frame_goes_out_at_once_and_nothing_after_it()
    {
        await using var socket = new ClientWebSocketStream(_client, CancellationToken.None);
        await socket.WriteAsync(Frame(Text, 5));

        await socket.CloseAsync();
        await socket.WriteAsync(Frame(Text, 5));

        Assert.True(socket.IsClosed);
        Assert.Equal([.. Frame(Text, 5), .. GoingAway], _client.ToArray());
    }

    [Fact]
    public async Task Within_a_frame_the_close_frame_waits_for_its_last_byte()
    {
        await using var socket = new ClientWebSocketStream(_client, CancellationToken.None);
        var frame = Frame(Text, 200);
        await socket.WriteAsync(frame.AsMemory(0, 100));

        await socket.CloseAsync();
        Assert.False(socket.IsClosed);
        await socket.WriteAsync(frame.AsMemory(100, 50));
        Assert.False(socket.IsClosed);
        await socket.WriteAsync((byte[])[.. frame[150..], .. Frame(Text, 5)]);

        Assert.True(socket.IsClosed);
        Assert.Equal([.. frame, .. GoingAway], _client.ToArray());
    }

    [Fact]
    public async Task An_upstream_that_has_closed_by_itself_has_said_it_all()
    {
        await using var socket = new ClientWebSocketStream(_client, CancellationToken.None);
        await socket.WriteAsync(Frame(Close, 2));

        await socket.CloseAsync();

        Assert.False(socket.IsClosed);
        Assert.Equal(Frame(Close, 2), _client.ToArray());
    }

    [Fact]
    public async Task An_upstream_that_closes_within_the_frame_that_is_waited_for_is_not_closed_twice()
    {
        await using var socket = new ClientWebSocketStream(_client, CancellationToken.None);
        var close = Frame(Close, 2);
        await socket.WriteAsync(close.AsMemory(0, 1));

        await socket.CloseAsync();
        await socket.WriteAsync(close.AsMemory(1));

        Assert.Equal(close, _client.ToArray());
    }

    [Fact]
    public async Task A_client_that_is_gone_is_not_told()
    {
        await using var socket = new ClientWebSocketStream(Stream.Null, new CancellationToken(canceled: true));

        await socket.CloseAsync();

        Assert.False(socket.IsClosed);
    }
}
