using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class ReloadTests
{
    [Fact]
    public async Task A_changed_file_takes_effect_by_itself()
    {
        await using var one = await Upstream.StartAsync(context => context.Response.WriteAsync("one"));
        await using var two = await Upstream.StartAsync(context => context.Response.WriteAsync("two"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", one.Url));
        Assert.Equal("one", await proxy.Client.GetStringAsync("/"));

        await File.WriteAllTextAsync(proxy.ConfigPath, RunningProxy.ConfigText(RunningProxy.OneRoute("", "", two.Url)));

        await Eventually.TrueAsync(async () => await proxy.Client.GetStringAsync("/") == "two", "the answer of the new upstream");
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_config_reloads_total{result=\"success\"}"));
    }

    [Fact]
    public async Task A_swapped_symbolic_link_above_the_file_takes_effect_as_kubernetes_does_it()
    {
        await using var one = await Upstream.StartAsync(context => context.Response.WriteAsync("one"));
        await using var two = await Upstream.StartAsync(context => context.Response.WriteAsync("two"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", one.Url));
        var folder = Path.GetDirectoryName(proxy.ConfigPath)!;
        await MountAsync("v1", RunningProxy.ConfigText(RunningProxy.OneRoute("", "", one.Url)));
        File.Delete(proxy.ConfigPath);
        File.CreateSymbolicLink(proxy.ConfigPath, Path.Combine("..data", "proxy.json"));
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_config_reloads_total{result=\"success\"}") >= 1, "the first mount");

        await MountAsync("v2", RunningProxy.ConfigText(RunningProxy.OneRoute("", "", two.Url)));

        await Eventually.TrueAsync(async () => await proxy.Client.GetStringAsync("/") == "two", "the answer of the new upstream");

        async Task MountAsync(string version, string text)
        {
            Directory.CreateDirectory(Path.Combine(folder, version));
            await File.WriteAllTextAsync(Path.Combine(folder, version, "proxy.json"), text);
            Directory.CreateSymbolicLink(Path.Combine(folder, "..tmp"), version);

            // rename(2) over a link to a folder, in one step: .NET's own moves refuse it.
            using var move = System.Diagnostics.Process.Start("mv", ["-T", Path.Combine(folder, "..tmp"), Path.Combine(folder, "..data")]);
            await move.WaitForExitAsync();
            Assert.Equal(0, move.ExitCode);
        }
    }

    [Theory]
    [InlineData("{ this is not JSON")]
    [InlineData("{ \"Kestrel\": { \"Endpoints\": { \"Http\": { \"Url\": \"http://127.0.0.1:0\" } } }, \"ReverseProxi\": {} }")]
    [InlineData("")]
    public async Task A_bad_file_changes_nothing_and_says_why(string text)
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("still here"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        Assert.False(await proxy.ReloadAsync(text));

        Assert.Equal("still here", await proxy.Client.GetStringAsync("/"));
        Assert.Equal(0, await proxy.MetricAsync("resilient_proxy_config_last_reload_successful"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_config_reloads_total{result=\"failure\"}"));
        Assert.Contains(proxy.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("error $", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_deleted_file_changes_nothing_and_a_file_that_comes_back_counts_again()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync("still here"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var text = await File.ReadAllTextAsync(proxy.ConfigPath);

        File.Delete(proxy.ConfigPath);
        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_config_last_reload_successful") == 0, "the failed reload");
        Assert.Equal("still here", await proxy.Client.GetStringAsync("/"));
        Assert.Single(proxy.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("the file cannot be read", StringComparison.Ordinal));
        await File.WriteAllTextAsync(proxy.ConfigPath, text);

        await Eventually.TrueAsync(async () => await proxy.MetricAsync("resilient_proxy_config_last_reload_successful") == 1, "the good reload");
    }

    [Fact]
    public async Task A_changed_listener_waits_for_a_restart_and_the_rest_of_the_file_applies()
    {
        await using var one = await Upstream.StartAsync(context => context.Response.WriteAsync("one"));
        await using var two = await Upstream.StartAsync(context => context.Response.WriteAsync("two"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", one.Url));

        var text = RunningProxy.ConfigText(RunningProxy.OneRoute("", "", two.Url), endpoints: "\"Http\": { \"Url\": \"http://127.0.0.1:0\" }, \"More\": { \"Url\": \"http://127.0.0.1:0\" }");
        Assert.True(await proxy.ReloadAsync(text));

        Assert.Equal("two", await proxy.Client.GetStringAsync("/"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_config_restart_required"));
        Assert.Contains(proxy.Log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("Kestrel changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_in_flight_ends_under_the_config_it_began_with()
    {
        var release = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        await using var one = await Upstream.StartAsync(async context =>
        {
            arrived.TrySetResult();
            await release.Task;
            await context.Response.WriteAsync("one");
        });
        await using var two = await Upstream.StartAsync(context => context.Response.WriteAsync("two"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", one.Url));

        var slow = proxy.Client.GetStringAsync("/");
        await arrived.Task;
        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("\"Timeouts\": { \"Total\": \"1ms\", \"Attempt\": \"1ms\" }", "", one.Url))));
        Assert.True(await proxy.ReloadAsync(RunningProxy.ConfigText(RunningProxy.OneRoute("", "", two.Url))));
        Assert.Equal("two", await proxy.Client.GetStringAsync("/"));
        release.SetResult();

        Assert.Equal("one", await slow);
    }

    [Fact]
    public async Task A_hundred_reloads_half_of_them_bad_fail_no_request_close_no_connection_and_leave_a_web_socket_alone()
    {
        await using var steady = await Upstream.StartAsync(async context =>
        {
            if (context.WebSockets.IsWebSocketRequest)
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[64];
                while (socket.State == WebSocketState.Open)
                {
                    var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
                    if (message.MessageType == WebSocketMessageType.Close)
                    {
                        return;
                    }

                    await socket.SendAsync(buffer.AsMemory(0, message.Count), WebSocketMessageType.Text, true, context.RequestAborted);
                }

                return;
            }

            await context.Response.WriteAsync("steady");
        });
        await using var changing = await Upstream.StartAsync(context => context.Response.WriteAsync("changing"));
        await using var proxy = await RunningProxy.StartAsync(Config(0));
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri(proxy.Url.Replace("http", "ws", StringComparison.Ordinal) + "/steady"), CancellationToken.None);
        Assert.Equal("before", await EchoAsync("before"));
        Assert.Equal("steady", await proxy.Client.GetStringAsync("/steady"));
        var connections = steady.Connections.Count;

        var served = 0;
        using var stop = new CancellationTokenSource();
        var load = LoadAsync(stop.Token);
        for (var i = 1; i <= 100; i++)
        {
            var good = i % 2 == 0;
            var before = Volatile.Read(ref served);
            await Eventually.TrueAsync(() => Volatile.Read(ref served) >= before + 4, "requests between two reloads");
            Assert.Equal(good, await proxy.ReloadAsync(good ? RunningProxy.ConfigText(Config(i)) : "{ \"Kestrel\": 1 }"));
        }

        await stop.CancelAsync();
        var (sent, failed) = await load;

        Assert.Equal(0, failed);
        Assert.True(sent > 200, $"only {sent} requests ran beside the reloads");
        Assert.Equal(connections, steady.Connections.Count);
        Assert.Equal("after", await EchoAsync("after"));

        // The file's watcher may have seen a change that was asked for as well: every reload has its line in the log, and its count.
        var (taken, refused) = (Logged("is in force"), Logged("was refused"));
        Assert.InRange(taken, 50, 100);
        Assert.InRange(refused, 50, 150);
        Assert.Equal(taken, await proxy.MetricAsync("resilient_proxy_config_reloads_total{result=\"success\"}"));
        Assert.Equal(refused, await proxy.MetricAsync("resilient_proxy_config_reloads_total{result=\"failure\"}"));

        int Logged(string words) => proxy.Log.Lines.Count(line => line.Contains(words, StringComparison.Ordinal));

        string Config(int version) => $$"""
            {
              "Routes": {
                "steady": { "ClusterId": "steady", "Match": { "Path": "/steady" } },
                "changing": { "ClusterId": "changing", "Match": { "Path": "/changing" }, "Resilience": { "Timeouts": { "Idle": "{{60 + version}}s" } } }
              },
              "Clusters": {
                "steady": { "Destinations": { "a": { "Address": "{{steady.Url}}" } } },
                "changing": { "Destinations": { "v{{version}}": { "Address": "{{changing.Url}}" } } }
              }
            }
            """;

        async Task<(int Sent, int Failed)> LoadAsync(CancellationToken end)
        {
            var (sent, failed) = (0, 0);
            while (!end.IsCancellationRequested)
            {
                foreach (var path in (string[])["/steady", "/changing"])
                {
                    using var response = await proxy.Client.GetAsync(path, CancellationToken.None);
                    sent++;
                    Interlocked.Increment(ref served);
                    failed += response.StatusCode == HttpStatusCode.OK ? 0 : 1;
                }

                await Task.Delay(5, CancellationToken.None);
            }

            return (sent, failed);
        }

        async Task<string> EchoAsync(string text)
        {
            await client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);
            var buffer = new byte[64];
            var message = await client.ReceiveAsync(buffer, CancellationToken.None);
            return Encoding.UTF8.GetString(buffer, 0, message.Count);
        }
    }
}
