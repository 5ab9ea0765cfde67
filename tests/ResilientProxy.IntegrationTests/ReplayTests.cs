using System.Globalization;
using System.Net;
using System.Text;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>Bytes at the upstream are exactly the client's, once per attempt, whatever the moment of failure.</summary>
public class ReplayTests
{
    [Fact]
    public async Task A_failure_after_any_byte_of_a_body_costs_no_byte_of_it()
    {
        const int Length = 260;
        await using var upstream = new RawUpstream(FailThenEchoAsync);
        await using var proxy = await RunningProxy.StartAsync(Patient(upstream));
        var random = new Random(1);

        for (var failAfter = 0; failAfter <= Length; failAfter++)
        {
            await AssertArrivesAsync(proxy, Text(random, Length), failAfter, random);
        }

        Assert.Equal(0, proxy.App.ReplayMemoryUsed);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task The_same_holds_for_bodies_of_any_size_up_to_the_limit_and_any_pieces(int seed)
    {
        await using var upstream = new RawUpstream(FailThenEchoAsync);
        await using var proxy = await RunningProxy.StartAsync(Patient(upstream));
        var random = new Random(seed);

        for (var i = 0; i < 40; i++)
        {
            var length = random.Next(1, 64 * 1024);
            await AssertArrivesAsync(proxy, Text(random, length), random.Next(0, length + 1), random);
        }

        Assert.Equal(0, proxy.App.ReplayMemoryUsed);
    }

    // The requests reset their first connection on purpose: neither circuit nor budget is what this is about.
    private static string Patient(RawUpstream upstream) => RunningProxy.OneRoute(
        "\"Retry\": { \"Delay\": \"0s\", \"Budget\": { \"MinRetriesPerSecond\": 100000 } }", "\"Resilience\": { \"CircuitBreaker\": \"off\" }", upstream.Url);

    private static async Task AssertArrivesAsync(RunningProxy proxy, string body, int failAfter, Random random)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/") { Content = new PiecesContent(Encoding.ASCII.GetBytes(body), random) };
        request.Headers.Add("X-Fail-After", failAfter.ToString(CultureInfo.InvariantCulture));

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var echoed = await response.Content.ReadAsStringAsync();
        Assert.True(echoed == body, $"failing after byte {failAfter} of {body.Length}, {echoed.Length} bytes arrived, not all of them the client's");
    }

    private static async Task FailThenEchoAsync(RawConnection connection)
    {
        while (await connection.ReadHeadAsync() is { Length: > 0 } head)
        {
            var length = Number(head, "Content-Length");
            if (Number(head, "X-Attempt-Count") == 1)
            {
                await connection.ReadBodyAsync(Number(head, "X-Fail-After"));
                connection.Reset();
                return;
            }

            var body = await connection.ReadBodyAsync(length);
            await connection.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        }
    }

    private static int Number(string head, string name)
    {
        var line = head.Split("\r\n").Single(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase));
        return int.Parse(line[(name.Length + 1)..], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
    }

    private static string Text(Random random, int length) => new([.. Enumerable.Range(0, length).Select(_ => (char)random.Next('!', '~'))]);

    /// <summary>A body of known length that goes out in pieces of random size.</summary>
    private sealed class PiecesContent(byte[] body, Random random) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var sent = 0; sent < body.Length;)
            {
                var piece = Math.Min(body.Length - sent, random.Next(1, 1 + (body.Length / 3)));
                await stream.WriteAsync(body.AsMemory(sent, piece));
                await stream.FlushAsync();
                sent += piece;
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
