using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Scenarios;

/// <summary>What keeping bodies for a retry costs the uploads that are too large to be kept: against the same build with the policy <c>none</c>.</summary>
internal static class UploadScenarios
{
    private const int Size = 10 * 1024 * 1024;
    private const int KiB = 1024;

    /// <summary>The scenarios.</summary>
    public static readonly (string Name, Func<Report, Task> Run)[] All = [("upload-10-mib", SpeedAsync), ("uploads-held", MemoryAsync)];

    private static async Task SpeedAsync(Report report)
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        });
        await using var proxy = await RunningProxy.StartAsync(TwoRoutes(upstream.Url));
        var body = new byte[Size];
        var (kept, plain) = (new List<double>(), new List<double>());
        for (var i = 0; i < 60; i++)
        {
            var time = await UploadAsync(proxy.Client, i % 2 == 0 ? "/standard" : "/none", body);
            (i % 2 == 0 ? kept : plain).Add(time);
        }

        report.AtMost("time of an upload over that with policy none (medians)", Median(kept.Skip(5)) / Median(plain.Skip(5)), 1.1);
        report.Says("MiB/s", 10 / Median(kept.Skip(5)));
        report.AtMost("deliveries over uploads, all answered 503", upstream.Requests.Count / 60.0, 1);
    }

    // A tenth of each body is sent and read by the upstream, then both sides wait: what is held now, is held for a retry that may never come.
    private static async Task MemoryAsync(Report report)
    {
        const int Uploads = 200;
        var sent = (long)Uploads * Size / 10;
        var read = 0L;
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            var buffer = new byte[64 * KiB];
            int count;
            while ((count = await context.Request.Body.ReadAsync(buffer)) > 0)
            {
                Interlocked.Add(ref read, count);
            }
        });
        await using var proxy = await RunningProxy.StartAsync(TwoRoutes(upstream.Url));
        var (standard, none) = (new List<double>(), new List<double>());
        for (var round = 0; round < 10; round++)
        {
            Interlocked.Exchange(ref read, 0);
            var sockets = new List<Socket>();
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var piece = new byte[Size / 10];
            for (var i = 0; i < Uploads; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                sockets.Add(socket);
                var address = new Uri(proxy.Url);
                await socket.ConnectAsync(address.Host, address.Port);
                await SendAllAsync(socket, Encoding.ASCII.GetBytes($"PUT {(round % 2 == 0 ? "/standard" : "/none")} HTTP/1.1\r\nHost: x\r\nContent-Length: {Size}\r\n\r\n"));
                await SendAllAsync(socket, piece);
            }

            await Eventually.TrueAsync(() => Interlocked.Read(ref read) == sent, "a tenth of each body at the upstream", TimeSpan.FromSeconds(60));
            (round % 2 == 0 ? standard : none).Add((GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Uploads / KiB);
            sockets.ForEach(socket => socket.Dispose());
            await Eventually.TrueAsync(
                async () => await proxy.MetricAsync("resilient_proxy_requests_in_flight{route=\"standard\"}") == 0 && await proxy.MetricAsync("resilient_proxy_requests_in_flight{route=\"none\"}") == 0,
                "all uploads ended", TimeSpan.FromSeconds(60));
        }

        // The first of each fills pools that stay.
        report.AtMost("extra memory of an upload against policy none, KiB (medians)", Median(standard.Skip(1)) - Median(none.Skip(1)), 64 + 64);
        report.Says("memory of an upload with policy none, both its ends in this process, KiB", Median(none.Skip(1)));
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    private static async Task<double> UploadAsync(HttpClient client, string path, byte[] body)
    {
        var started = Stopwatch.GetTimestamp();
        using var response = await client.PutAsync(path, new ByteArrayContent(body));
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        return ordered[ordered.Length / 2];
    }

    private static string TwoRoutes(string upstream) => $$"""
        {
          "Routes": {
            "standard": { "ClusterId": "c", "Match": { "Path": "/standard" } },
            "none": { "ClusterId": "c", "Match": { "Path": "/none" }, "Resilience": { "Policy": "none" } }
          },
          "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream}}" } }, "Resilience": { "CircuitBreaker": "off" } } }
        }
        """;
}
