using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.EndToEndTests;

/// <summary>Nobody says good-bye: processes that are killed and connections that are reset end every request as the contract says, and the sums agree.</summary>
public sealed class KillTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-e2e-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task An_upstream_that_is_killed_costs_no_get_one_try_of_a_post_and_no_stream_looks_complete()
    {
        const int Each = 10;
        var release = new TaskCompletionSource();
        await using var origin = await Upstream.StartAsync(async context =>
        {
            if (context.Request.Path == "/stream")
            {
                await context.Response.WriteAsync("begun, ");
                await context.Response.Body.FlushAsync();
            }

            await release.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("done");
        });

        // The program itself is the upstream that can be killed: two of it, transparent, before one origin that counts.
        await using var victim = await ProxyProcess.ServeAsync(Write("victim", RunningProxy.OneRoute("\"Policy\": \"none\"", "", origin.Url)));
        await using var other = await ProxyProcess.ServeAsync(Write("other", RunningProxy.OneRoute("\"Policy\": \"none\"", "", origin.Url)));
        await using var proxy = await ProxyProcess.ServeAsync(Write("proxy", RunningProxy.OneRoute(
            "\"Timeouts\": { \"Attempt\": \"60s\", \"Total\": \"60s\" }", "\"LoadBalancingPolicy\": \"RoundRobin\"", victim.Url, other.Url)));
        using var client = new HttpClient { BaseAddress = new Uri(proxy.Url) };
        var gets = Enumerable.Range(0, Each).Select(_ => SendAsync(HttpMethod.Get, "/get")).ToArray();
        var posts = Enumerable.Range(0, Each).Select(_ => SendAsync(HttpMethod.Post, "/post")).ToArray();
        var streams = Enumerable.Range(0, Each).Select(_ => SendAsync(HttpMethod.Get, "/stream")).ToArray();
        await Eventually.TrueAsync(() => origin.Requests.Count == 3 * Each, "all of them at the origin", Bound);
        await Eventually.TrueAsync(() => streams.Count(stream => stream.Begun) == Each, "the streams' first bytes", Bound);

        await victim.SignalAsync("KILL");
        await Eventually.TrueAsync(() => posts.Any(post => post.Ended.IsCompleted) && origin.Requests.Count > 3 * Each, "the first ends", Bound);
        await Eventually.TrueAsync(
            async () => (await MetricsText.ReadAsync(proxy.AdminUrl)).Sum("resilient_proxy_attempts_total", "outcome=\"connection_terminated\"") >= Each, "the ends of what the victim had", Bound);
        release.SetResult();
        var getAnswers = await Task.WhenAll(gets.Select(get => get.Ended)).WaitAsync(Bound);
        var postAnswers = await Task.WhenAll(posts.Select(post => post.Ended)).WaitAsync(Bound);
        var streamAnswers = await Task.WhenAll(streams.Select(stream => stream.Ended)).WaitAsync(Bound);

        Assert.All(getAnswers, answer => Assert.Equal("200 done", answer));
        Assert.All(postAnswers, answer => Assert.Contains(answer, (string[])["200 done", "502 connection_terminated"]));
        Assert.All(streamAnswers, answer => Assert.Contains(answer, (string[])["200 begun, done", "broken off"]));
        var (failedPosts, brokenStreams) = (postAnswers.Count(answer => answer[0] == '5'), streamAnswers.Count(answer => answer == "broken off"));
        Assert.InRange(failedPosts, 1, Each - 1);
        Assert.InRange(brokenStreams, 1, Each - 1);
        await Eventually.TrueAsync(
            async () => (await MetricsText.ReadAsync(proxy.AdminUrl)).Sum("resilient_proxy_requests_total") == 3 * Each, "the count of every request");
        var metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
        Assert.Equal(failedPosts + brokenStreams, metrics.Sum("resilient_proxy_requests_total", "outcome=\"upstream_error\""));
        Assert.Equal((3 * Each) - failedPosts - brokenStreams, metrics.Sum("resilient_proxy_requests_total", "outcome=\"success\""));
        Assert.Equal(origin.Requests.Count, metrics.Sum("resilient_proxy_attempts_total"));
        Assert.Equal(origin.Requests.Count - (3 * Each), metrics.Sum("resilient_proxy_retries_total"));
        Assert.Equal(0, metrics.Sum("resilient_proxy_requests_in_flight"));

        // From now on it refuses connections: that is provably not received, and costs nobody anything.
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Post, HttpMethod.Post])
        {
            Assert.Equal("200 done", await SendAsync(method, "/after").Ended.WaitAsync(Bound));
        }

        Sent SendAsync(HttpMethod method, string path)
        {
            var sent = new Sent();
            sent.Ended = sent.RunAsync(client, new HttpRequestMessage(method, path) { Content = method == HttpMethod.Post ? new StringContent("body") : null });
            return sent;
        }
    }

    [Fact]
    public async Task A_client_that_is_killed_ends_its_attempt_and_is_counted_as_nobodys_failure()
    {
        var ended = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            context.RequestAborted.Register(ended.SetResult);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var proxy = await ProxyProcess.ServeAsync(Write("proxy", RunningProxy.OneRoute("\"Timeouts\": { \"Attempt\": \"off\", \"Total\": \"off\" }", "", upstream.Url)));
        using var client = Process.Start("bash", ["-c", $"exec 3<>/dev/tcp/127.0.0.1/{new Uri(proxy.Url).Port}; printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; read -u 3"]);
        await Eventually.TrueAsync(() => upstream.Requests.Count == 1, "the request at the upstream");

        client.Kill(); // SIGKILL

        await ended.Task.WaitAsync(Bound);
        await Eventually.TrueAsync(
            async () => (await MetricsText.ReadAsync(proxy.AdminUrl)).Sum("resilient_proxy_requests_total", "outcome=\"client_closed\"") == 1, "the count of the client that left");
        var metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
        Assert.Equal(1, metrics.Sum("resilient_proxy_requests_total"));
        Assert.Equal((1, 1), (metrics.Sum("resilient_proxy_attempts_total", "outcome=\"client_left\""), metrics.Sum("resilient_proxy_attempts_total")));
        Assert.Equal(0, metrics.Sum("resilient_proxy_requests_in_flight"));
    }

    [Fact]
    public async Task Half_of_all_connections_reset_at_random_end_visibly_and_the_other_half_whole()
    {
        const int Count = 120;
        var random = new Random(20261125);
        var killed = Enumerable.Range(0, Count).Select(_ => (Client: random.Next(3) == 0, Upstream: random.Next(3) == 0)).ToArray();
        var go = new TaskCompletionSource();
        var begun = new ConcurrentBag<int>();
        await using var upstream = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { Length: > 0 } head)
            {
                var number = int.Parse(head.Split(' ')[1].TrimStart('/'), System.Globalization.CultureInfo.InvariantCulture);
                var body = new string((char)('A' + (number % 26)), 20_000);
                var isChunked = number % 2 == 0;
                await connection.SendAsync("HTTP/1.1 200 OK\r\n" + (isChunked ? "Transfer-Encoding: chunked\r\n\r\n4E20\r\n" + body + "\r\n" : "Content-Length: 40000\r\n\r\n" + body));
                begun.Add(number);
                await go.Task;
                if (killed[number].Upstream)
                {
                    connection.Reset();
                    return;
                }

                await connection.SendAsync(isChunked ? "4E20\r\n" + body + "\r\n0\r\n\r\n" : body);
            }
        });
        await using var proxy = await ProxyProcess.ServeAsync(Write("proxy", RunningProxy.OneRoute("", "\"Resilience\": { \"CircuitBreaker\": \"off\" }", upstream.Url)));
        var clients = new Socket[Count];
        for (var i = 0; i < Count; i++)
        {
            clients[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await clients[i].ConnectAsync(IPEndPoint.Parse(new Uri(proxy.Url).Authority));
            await clients[i].SendAsync(Encoding.ASCII.GetBytes($"GET /{i} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        }

        await Eventually.TrueAsync(() => begun.Count == Count && clients.All(client => client.Available > 20_000), "the first half of every answer", Bound);
        for (var i = 0; i < Count; i++)
        {
            if (killed[i].Client)
            {
                clients[i].Close(0); // a reset
            }
        }

        var left = killed.Count(end => end.Client);
        await Eventually.TrueAsync(
            async () => (await MetricsText.ReadAsync(proxy.AdminUrl)).Sum("resilient_proxy_requests_total", "outcome=\"client_closed\"") == left, "the count of the clients that left", Bound);
        go.SetResult();
        var broken = 0;
        for (var i = 0; i < Count; i++)
        {
            if (!killed[i].Client)
            {
                var text = await ReadToEndAsync(clients[i]);
                var whole = i % 2 == 0 ? text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal) : text.Length - text.IndexOf("\r\n\r\n", StringComparison.Ordinal) - 4 == 40_000;
                Assert.Equal(!killed[i].Upstream, whole);
                Assert.Equal(whole ? 40_000 : 20_000, text.AsSpan(text.IndexOf("\r\n\r\n", StringComparison.Ordinal)).Count((char)('A' + (i % 26))));
                broken += whole ? 0 : 1;
            }

            clients[i].Dispose();
        }

        await Eventually.TrueAsync(
            async () => (await MetricsText.ReadAsync(proxy.AdminUrl)).Sum("resilient_proxy_requests_total") == Count, "the count of every request");
        var metrics = await MetricsText.ReadAsync(proxy.AdminUrl);
        foreach (var (outcome, attempt, count) in ((string, string, int)[])[("client_closed", "client_left", left), ("upstream_error", "connection_terminated", broken), ("success", "success", Count - left - broken)])
        {
            Assert.Equal(count, metrics.Sum("resilient_proxy_requests_total", $"outcome=\"{outcome}\""));
            Assert.Equal(count, metrics.Sum("resilient_proxy_attempts_total", $"outcome=\"{attempt}\""));
        }

        Assert.Equal(Count, metrics.Sum("resilient_proxy_attempts_total"));
        Assert.Equal(0, metrics.Sum("resilient_proxy_requests_in_flight"));
    }

    private static async Task<string> ReadToEndAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[65536];
        using var bound = new CancellationTokenSource(Bound);
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, bound.Token)) > 0)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            // Reset instead of closed: as visible.
        }

        return text.ToString();
    }

    private string Write(string name, string reverseProxy)
    {
        var path = Path.Combine(_folder.FullName, name + ".json");
        File.WriteAllText(path, RunningProxy.ConfigText(reverseProxy, "\"AccessLog\": \"off\""));
        return path;
    }

    // A request, whether its answer has begun, and what came of it in a few words.
    private sealed class Sent
    {
        public bool Begun { get; private set; }

        public Task<string> Ended { get; set; } = Task.FromResult("");

        public async Task<string> RunAsync(HttpClient client, HttpRequestMessage request)
        {
            using (request)
            {
                using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                Begun = true;
                if (response.Headers.TryGetValues("Proxy-Status", out var status) && !response.IsSuccessStatusCode)
                {
                    return $"{(int)response.StatusCode} {status.Single().Split("error=")[1].Split(';')[0]}";
                }

                try
                {
                    return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
                }
                catch (Exception error) when (error is HttpRequestException or IOException)
                {
                    return "broken off";
                }
            }
        }
    }
}
