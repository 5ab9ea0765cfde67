using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;
using ResilientProxy.Values;

namespace ResilientProxy.EndToEndTests;

/// <summary>What the machine around the program runs out of: it degrades with a reason, and recovers by itself.</summary>
public sealed class FaultTests : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];

    // The runtime keeps code in a file of memory, to which that limit applies as well.
    private static readonly Dictionary<string, string> PlainCodePages = new() { ["DOTNET_EnableWriteXorExecute"] = "0" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-fault-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Out_of_file_descriptors_it_waits_without_a_busy_loop_says_so_once_and_serves_again()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var process = await ProxyProcess.ServeUnderAsync([], NoVariables, Write(upstream.Url));
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        Assert.Equal("ok", await client.GetStringAsync("/"));
        await LimitDescriptorsAsync(process.Id, LimitThatLeaves(5, process.Id, DescriptorUse.Traffic));

        var idle = new List<Socket>();
        for (var i = 0; i < 30; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPEndPoint.Parse(new Uri(process.Url).Authority));
            idle.Add(socket);
        }

        await Eventually.TrueAsync(() => process.Errors.Contains("No further connection can be accepted", StringComparison.Ordinal), "the line that says why");
        var before = CpuTicks(process.Id);
        await Task.Delay(TimeSpan.FromSeconds(2));
        var ticks = CpuTicks(process.Id) - before;
        Assert.Equal("ok", await client.GetStringAsync("/")); // the connections it has go on
        using (var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) })
        {
            await admin.GetStringAsync("/metrics"); // and the operator still gets new ones
        }

        idle.ForEach(socket => socket.Dispose());
        await Eventually.TrueAsync(
            async () =>
            {
                using var fresh = new HttpClient { BaseAddress = new Uri(process.Url), Timeout = TimeSpan.FromSeconds(5) };
                Assert.False(process.HasExited, process.Errors);
                try
                {
                    return await fresh.GetStringAsync("/") == "ok";
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(500);
                    return process.HasExited ? throw new InvalidOperationException(process.Errors) : false;
                }
            },
            "an answer over a new connection");

        Assert.InRange(ticks, 0, 60); // of 200 that one core has in two seconds
        Assert.Equal(1, Count(process.Errors, $"No further connection can be accepted at {new Uri(process.Url).Authority}"));
    }

    [Fact]
    public async Task Out_of_file_descriptors_an_upstream_is_not_blamed()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        await using var process = await ProxyProcess.ServeUnderAsync(
            [], NoVariables, Write(upstream.Url, "\"Resilience\": { \"CircuitBreaker\": { \"ConsecutiveFailures\": 1 } }"), "--ReverseProxy:Routes:route:Match:Path=/in/{**rest}");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        using var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) };
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/elsewhere")).StatusCode);
        await admin.GetStringAsync("/metrics");
        await LimitDescriptorsAsync(process.Id, LimitThatLeaves(0, process.Id, DescriptorUse.Own));

        using var refused = await client.GetAsync("/in");
        var problem = await refused.Content.ReadAsStringAsync();
        await LimitDescriptorsAsync(process.Id, 1000);
        var served = await client.GetStringAsync("/in");

        Assert.True(refused.StatusCode == HttpStatusCode.ServiceUnavailable, problem);
        Assert.Contains("connection_limit_reached", problem, StringComparison.Ordinal);
        Assert.Equal("ok", served); // the circuit is closed: one failure of the upstream's own would have opened it
    }

    [Fact]
    public async Task A_full_disk_costs_lines_of_the_access_log_and_no_requests_and_it_writes_again_when_there_is_room()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        var path = Path.Combine(_folder.FullName, "access.log");
        File.CreateSymbolicLink(path, "/dev/full");
        await using var process = await ProxyProcess.ServeAsync(Write(upstream.Url), $"--AccessLog:Path={path}");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        using var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) };

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("ok", await client.GetStringAsync("/"));
        }

        await Eventually.TrueAsync(async () => await DroppedAsync(admin) == 5, "five lines that are dropped", TimeSpan.FromSeconds(30));
        Assert.Equal(1, Count(process.Errors, "The access log cannot be written"));
        Assert.Contains("No space left on device", process.Errors, StringComparison.Ordinal);
        File.Delete(path);
        await Eventually.TrueAsync(
            async () =>
            {
                await client.GetStringAsync("/");
                return File.Exists(path) && (await File.ReadAllTextAsync(path)).Contains("\"status\":200", StringComparison.Ordinal);
            },
            "a line in the file",
            TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(() => process.Errors.Contains("is written to", StringComparison.Ordinal), "the line that says so");
    }

    [Fact]
    public async Task The_limit_of_a_files_size_costs_lines_of_the_access_log_and_not_the_process()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("ok"));
        var path = Path.Combine(_folder.FullName, "access.log");
        await File.WriteAllTextAsync(path, new string('x', 2 << 20) + "\n"); // beyond the limit already
        await using var process = await ProxyProcess.ServeUnderAsync(
            ["bash", "-c", "ulimit -f 1024; exec \"$@\"", "bash"], PlainCodePages, Write(upstream.Url), $"--AccessLog:Path={path}");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        using var admin = new HttpClient { BaseAddress = new Uri(process.AdminUrl) };

        Assert.Equal("ok", await client.GetStringAsync("/"));
        await Eventually.TrueAsync(async () => await DroppedAsync(admin) == 1, "a line that is dropped");
        Assert.Equal("ok", await client.GetStringAsync("/"));
        Assert.Equal(1, Count(process.Errors, "The access log cannot be written"));
    }

    [Fact]
    public async Task At_the_limit_of_its_memory_it_refuses_with_a_reason_and_recovers_when_there_is_room()
    {
        var release = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await (context.Request.Method == "PUT" ? release.Task : Task.CompletedTask);
            await context.Response.WriteAsync("ok");
        });
        await using var process = await ProxyProcess.ServeUnderAsync(
            [],
            new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x8000000" }, // 128 MiB
            Write(upstream.Url, "", "\"Resilience\": { \"MaxReplayMemory\": \"100MiB\" }, \"Overload\": { \"MaxMemory\": 0.5, \"MaxQueueDelay\": \"off\" }"),
            "--ReverseProxy:Routes:route:Resilience:Retry:MaxReplayBytes=4MiB",
            "--ReverseProxy:Routes:route:Resilience:Timeouts:Attempt=off", "--ReverseProxy:Routes:route:Resilience:Timeouts:Total=off");
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        Assert.Equal("ok", await client.GetStringAsync("/"));

        // Bodies that are kept to be sent again, one after the other, until there is no more room.
        var held = new List<Task<HttpResponseMessage>>();
        while (held.Count < 24 && (await client.GetAsync("/")).StatusCode != HttpStatusCode.ServiceUnavailable)
        {
            held.Add(client.PutAsync("/", new ByteArrayContent(new byte[(4 << 20) - 1000])));
            await Task.Delay(TimeSpan.FromMilliseconds(300));
        }

        await Eventually.TrueAsync(async () => (await client.GetAsync("/")).StatusCode == HttpStatusCode.ServiceUnavailable, "a refusal", TimeSpan.FromSeconds(30));
        using var refused = await client.GetAsync("/");
        release.SetResult();
        foreach (var one in held)
        {
            using var response = await one;
            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, $"{response.StatusCode}");
        }

        await Eventually.TrueAsync(async () => (await client.GetAsync("/")).StatusCode == HttpStatusCode.OK, "an answer", TimeSpan.FromSeconds(100));
        Assert.Contains("is overloaded (memory)", process.Errors, StringComparison.Ordinal);
        var problem = await refused.Content.ReadFromJsonAsync<Dictionary<string, object>>();
        Assert.StartsWith("overload:", problem!["detail"].ToString(), StringComparison.Ordinal);
    }

    [NamespaceFact]
    public async Task A_name_that_moves_is_followed_and_one_that_vanishes_is_a_dns_error()
    {
        // The hosts file of a mount namespace of its own stands for a name server.
        await using var old = await Upstream.StartAsync(context => context.Response.WriteAsync("old"));
        var port = new Uri(old.Url).Port;
        var hosts = Path.Combine(_folder.FullName, "hosts");
        await File.WriteAllTextAsync(hosts, "127.0.0.1 moving.test\n");
        await using var process = await ProxyProcess.ServeUnderAsync(
            ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"", hosts], NoVariables,
            Write($"http://moving.test:{port}/", "\"Resilience\": { \"CircuitBreaker\": \"off\" }"));
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };
        Assert.Equal("old", await client.GetStringAsync("/"));

        using var listener = new TcpListener(IPAddress.Parse("127.0.0.2"), port);
        listener.Start();
        await File.WriteAllTextAsync(hosts, "127.0.0.2 moving.test\n");
        await old.DisposeAsync();
        var moved = client.GetStringAsync("/");
        using (var connection = await listener.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(20)))
        {
            await connection.GetStream().ReadAtLeastAsync(new byte[4096], 1);
            await connection.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nnew"u8.ToArray());
            Assert.Equal("new", await moved);
        }

        await File.WriteAllTextAsync(hosts, "127.0.0.1 other.test\n");
        var began = Stopwatch.GetTimestamp();
        using var vanished = await client.GetAsync("/");
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 20);
        Assert.True(vanished.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout, $"{vanished.StatusCode}"); // a name server that is silent is a timeout
    }

    [NamespaceFact]
    public async Task A_name_is_reached_by_the_next_of_its_addresses_where_one_refuses()
    {
        // 127.0.0.1 comes first, being nearest to this machine's own (RFC 6724 section 5, rule 9); nobody listens there.
        var dead = IPEndPoint.Parse(new Uri(RawUpstream.DeadUrl()).Authority);
        var port = dead.Port;
        using var listener = new TcpListener(IPAddress.Parse("127.0.0.2"), port);
        listener.Start();
        var hosts = Path.Combine(_folder.FullName, "hosts");
        await File.WriteAllTextAsync(hosts, "127.0.0.1 two.test\n127.0.0.2 two.test\n");
        await using var process = await ProxyProcess.ServeUnderAsync(
            ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"", hosts], NoVariables,
            Write($"http://two.test:{port}/"));
        using var client = new HttpClient { BaseAddress = new Uri(process.Url) };

        var answer = client.GetAsync("/");
        using var connection = await listener.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(20));
        await connection.GetStream().ReadAtLeastAsync(new byte[4096], 1);
        await connection.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());

        using var response = await answer;
        Assert.Equal("ok", await response.Content.ReadAsStringAsync());
    }

    // So many more before what is kept from that use is touched.
    private static int LimitThatLeaves(int more, int id, DescriptorUse use)
    {
        var open = Directory.GetFiles($"/proc/{id}/fd").Length;
        return Enumerable.Range(open, 10_000).First(limit => limit - DescriptorReserve.KeptFrom(use, limit) >= open + more);
    }

    private static async Task LimitDescriptorsAsync(int id, int limit)
    {
        using var prlimit = Process.Start("prlimit", ["--pid", $"{id}", $"--nofile={limit}:"]);
        await prlimit.WaitForExitAsync();
        Assert.Equal(0, prlimit.ExitCode);
    }

    // The 14th and 15th field: user and system time. The second one is in parentheses and may hold anything.
    private static long CpuTicks(int id)
    {
        var stat = File.ReadAllText($"/proc/{id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    private static async Task<double> DroppedAsync(HttpClient admin)
    {
        const string Series = "resilient_proxy_access_log_dropped_total ";
        var line = (await admin.GetStringAsync("/metrics")).Split('\n').FirstOrDefault(line => line.StartsWith(Series, StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[Series.Length..], CultureInfo.InvariantCulture);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private string Write(string upstream, string cluster = "", string more = "")
    {
        var path = Path.Combine(_folder.FullName, "proxy.json");
        File.WriteAllText(path, RunningProxy.ConfigText(RunningProxy.OneRoute("", cluster, upstream), more));
        return path;
    }
}
