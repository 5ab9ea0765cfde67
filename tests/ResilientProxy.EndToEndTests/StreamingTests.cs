using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;
using Xunit.Abstractions;

namespace ResilientProxy.EndToEndTests;

/// <summary>Bytes stream, they are not collected: measured on the program as a process of its own.</summary>
[Collection(nameof(StreamingTests))]
[CollectionDefinition(nameof(StreamingTests), DisableParallelization = true)]
public sealed class StreamingTests(ITestOutputHelper output) : IDisposable
{
    private const int MiB = 1024 * 1024;
    private const long MemoryLimit = 48 * MiB;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-e2e-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_gibibyte_down_and_up_and_twenty_slow_readers_keep_their_sum_and_leave_memory_flat()
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            if (context.Request.Method == "POST")
            {
                await context.Response.WriteAsync(await HashAsync(context.Request.Body));
                return;
            }

            await SendAsync(context.Response.Body, int.Parse(context.Request.Query["mib"]!, System.Globalization.CultureInfo.InvariantCulture));
        });
        await using var process = await ProxyProcess.ServeAsync(Write(upstream.Url));
        using var client = new HttpClient { BaseAddress = new Uri(process.Url), Timeout = TimeSpan.FromMinutes(5) };
        await DownAsync(client, 8, slow: false);
        var idle = Resident(process.Id);
        using var watch = new CancellationTokenSource();
        var peak = PeakAsync(process.Id, watch.Token);

        Assert.Equal(Hash(1024), await DownAsync(client, 1024, slow: false));
        using (var response = await client.PostAsync("/", new StreamingContent(Parts(1024))))
        {
            Assert.Equal(Hash(1024), await response.Content.ReadAsStringAsync());
        }

        var slow = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => DownAsync(client, 50, slow: true)));
        Assert.All(slow, sum => Assert.Equal(Hash(50), sum));

        await watch.CancelAsync();
        var rise = await peak - idle;
        output.WriteLine($"resident memory: idle {idle / MiB} MiB, peak +{rise / MiB} MiB");
        Assert.True(rise <= MemoryLimit, $"resident memory rose by {rise / MiB} MiB, over {MemoryLimit / MiB} MiB");
    }

    [Fact]
    public async Task A_line_every_100_ms_reaches_the_client_within_20_ms_and_before_the_next()
    {
        const int Lines = 30;
        var sent = new long[Lines];
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < Lines; i++)
            {
                sent[i] = Stopwatch.GetTimestamp();
                await context.Response.WriteAsync($"{i}\n");
                await context.Response.Body.FlushAsync();
                await Task.Delay(100);
            }
        });
        await using var process = await ProxyProcess.ServeAsync(Write(upstream.Url));
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        using var response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var delays = new List<TimeSpan>();
        for (var i = 0; i < Lines; i++)
        {
            Assert.Equal($"{i}", await reader.ReadLineAsync());
            delays.Add(Stopwatch.GetElapsedTime(sent[i]));
        }

        var median = delays.Order().ElementAt(Lines / 2);
        output.WriteLine($"delay: median {median.TotalMilliseconds:0.0} ms, longest {delays.Max().TotalMilliseconds:0.0} ms");
        Assert.True(median < TimeSpan.FromMilliseconds(20), $"median {median}");
        Assert.True(delays.Skip(1).All(delay => delay < TimeSpan.FromMilliseconds(100)), $"longest {delays.Max()}");
    }

    private static async Task<string> DownAsync(HttpClient client, int mib, bool slow)
    {
        using var response = await client.GetAsync($"/?mib={mib}", HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        return await HashAsync(body, slow);
    }

    private static async Task<string> HashAsync(Stream stream, bool slow = false)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
        int read;
        long total = 0;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            if (slow && (total / (4 * MiB)) != ((total += read) / (4 * MiB)))
            {
                await Task.Delay(100); // reads at some 40 MiB a second at most, in gulps
            }
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static byte[] Block()
    {
        var block = new byte[MiB];
        new Random(42).NextBytes(block);
        return block;
    }

    private static async Task SendAsync(Stream stream, int mib)
    {
        var block = Block();
        for (var i = 0; i < mib; i++)
        {
            await stream.WriteAsync(block);
        }
    }

    private static Func<Task<byte[]?>> Parts(int mib)
    {
        var block = Block();
        return () => Task.FromResult(mib-- > 0 ? block : null);
    }

    private static string Hash(int mib)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = Block();
        for (var i = 0; i < mib; i++)
        {
            hash.AppendData(block);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static long Resident(int id)
    {
        using var process = Process.GetProcessById(id);
        return process.WorkingSet64;
    }

    private static async Task<long> PeakAsync(int id, CancellationToken end)
    {
        long peak = 0;
        while (!end.IsCancellationRequested)
        {
            peak = Math.Max(peak, Resident(id));
            await Task.Delay(50, CancellationToken.None);
        }

        return peak;
    }

    private string Write(string upstream)
    {
        var path = Path.Combine(_folder.FullName, "proxy.json");
        File.WriteAllText(path, RunningProxy.ConfigText(RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"off\", \"Total\": \"off\" }", "", upstream), "\"AccessLog\": \"off\""));
        return path;
    }
}
