using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

public class ForwardingTests
{
    [Fact]
    public async Task A_request_reaches_the_upstream_with_its_method_target_headers_and_body_and_the_answer_comes_back()
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            context.Response.StatusCode = 201;
            context.Response.Headers["X-Answer"] = context.Request.Headers["X-Question"];
            await context.Response.WriteAsync("got " + await reader.ReadToEndAsync());
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var request = new HttpRequestMessage(HttpMethod.Put, "/a/b?c=d") { Content = new StringContent("body") };
        request.Headers.Add("X-Question", "why");
        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("why", Assert.Single(response.Headers.GetValues("X-Answer")));
        Assert.Equal("got body", await response.Content.ReadAsStringAsync());
        Assert.Equal(["PUT /a/b?c=d"], upstream.Requests);
    }

    [Theory]
    [InlineData("/a%2Fb%20c+d//e")]
    [InlineData("/%E2%82%AC/%c3%a4?q=%2F%20+&r[]=1|2")]
    [InlineData("//double//slashes")]
    [InlineData("/a/b%3Fc%23d?x?y")]
    public async Task The_bytes_of_the_target_reach_the_upstream_as_the_client_wrote_them(string target)
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        await RawAsync(proxy, $"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        Assert.Equal([$"GET {target}"], upstream.Requests);
    }

    [Theory]
    [InlineData("/public/../secret")]
    [InlineData("/public/%2e%2e/secret")]
    [InlineData("/public/.%2E/secret")]
    public async Task A_path_with_dot_segments_is_forwarded_as_it_was_routed(string target)
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        await RawAsync(proxy, $"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        Assert.Equal(["GET /secret"], upstream.Requests);
    }

    [Fact]
    public async Task Prefix_transforms_cut_and_add_without_touching_the_escapes_of_the_rest()
    {
        await using var upstream = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/api/{**rest}" },
                "Transforms": [ { "PathRemovePrefix": "/api" }, { "PathPrefix": "/v1" } ] } },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}base/" } } } }
            }
            """);

        await RawAsync(proxy, "GET /api/x%2Fy?z=%20 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        Assert.Equal(["GET /base/v1/x%2Fy?z=%20"], upstream.Requests);
    }

    [Fact]
    public async Task Forwarded_headers_are_set_afresh_and_those_of_one_hop_are_removed_both_ways()
    {
        IHeaderDictionary? seen = null;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            seen = new HeaderDictionary(context.Request.Headers.ToDictionary(header => header.Key, header => header.Value));
            context.Response.Headers.Connection = "X-Hop-Back";
            context.Response.Headers["X-Hop-Back"] = "1";
            context.Response.Headers["X-Stays"] = "1";
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = "public.example";
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "6.6.6.6");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Host", "forged");
        request.Headers.TryAddWithoutValidation("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        request.Headers.TryAddWithoutValidation("Connection", "X-Hop, X-Other");
        request.Headers.TryAddWithoutValidation("X-Hop", "1");
        request.Headers.TryAddWithoutValidation("Keep-Alive", "timeout=5");
        request.Headers.TryAddWithoutValidation("Proxy-Authorization", "secret");
        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal("127.0.0.1", seen!["X-Forwarded-For"]);
        Assert.Equal("public.example", seen["X-Forwarded-Host"]);
        Assert.Equal("http", seen["X-Forwarded-Proto"]);
        Assert.StartsWith("1.1 resilient-proxy", seen["Via"].ToString());
        Assert.StartsWith("00-0af7651916cd43dd8448eb211c80319c-", seen.TraceParent.ToString());
        Assert.EndsWith("-01", seen.TraceParent.ToString());
        Assert.DoesNotContain("b7ad6b7169203331", seen.TraceParent.ToString());
        Assert.Empty(seen.Keys.Intersect(["X-Hop", "Keep-Alive", "Proxy-Authorization"]));
        Assert.DoesNotContain("X-Hop-Back", response.Headers.Select(header => header.Key));
        Assert.True(response.Headers.Contains("X-Stays"));
    }

    [Fact]
    public async Task A_request_without_a_trace_gets_one()
    {
        string? seen = null;
        await using var upstream = await Upstream.StartAsync(context =>
        {
            seen = context.Request.Headers.TraceParent;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        await proxy.Client.GetAsync("/");

        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", seen);
    }

    [Fact]
    public async Task Header_values_outside_of_ascii_pass_unchanged_both_ways()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            var head = await connection.ReadHeadAsync();
            var value = head.Split("\r\n").Single(line => line.StartsWith("X-Name:", StringComparison.OrdinalIgnoreCase))[8..];
            await connection.SendAsync($"HTTP/1.1 200 OK\r\nX-Name: {value}\r\nContent-Length: 0\r\n\r\n");
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        var answer = await RawAsync(proxy, "GET / HTTP/1.1\r\nHost: x\r\nX-Name: Gr\u00c3\u00bc\u00c3\u009fe\r\nConnection: close\r\n\r\n");

        Assert.Contains("X-Name: Gr\u00c3\u00bc\u00c3\u009fe\r\n", answer);
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    public async Task An_answer_without_a_body_ends_with_its_headers(int status)
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.ETag = "\"1\"";
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var first = await proxy.Client.GetAsync("/");
        using var second = await proxy.Client.GetAsync("/");

        Assert.Equal(status, (int)first.StatusCode);
        Assert.Equal(status, (int)second.StatusCode);
        Assert.Single(upstream.Connections);
    }

    [Fact]
    public async Task The_answer_to_a_head_request_keeps_its_length_and_has_no_body()
    {
        await using var upstream = await Upstream.StartAsync(context =>
        {
            context.Response.ContentLength = 12345;
            return Task.CompletedTask;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var response = await proxy.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"));

        Assert.Equal(12345, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task A_304_that_names_the_length_of_what_it_stands_for_has_no_body()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: \"1\"\r\n\r\n");
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
    }

    [Fact]
    public async Task The_client_is_asked_for_its_body_only_when_the_upstream_wants_it()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        var answer = await RawAsync(proxy, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 417", answer);
    }

    [Fact]
    public async Task Expect_100_continue_works_through_the_proxy()
    {
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync(await reader.ReadToEndAsync());
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent("the body") };
        request.Headers.ExpectContinue = true;
        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal("the body", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_line_the_upstream_sends_reaches_the_client_before_the_next_one_is_sent()
    {
        var next = new SemaphoreSlim(0);
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.FlushAsync();
            for (var i = 0; i < 5; i++)
            {
                await next.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
            }
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        // The headers alone must come first: nobody has released a line yet.
        using var response = await proxy.Client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 5; i++)
        {
            next.Release();
            Assert.Equal($"data: {i}", await reader.ReadLineAsync());
            Assert.Equal("", await reader.ReadLineAsync());
        }

        Assert.Null(await reader.ReadLineAsync());
    }

    [Fact]
    public async Task A_part_of_an_upload_reaches_the_upstream_before_the_next_one_is_sent()
    {
        var got = new SemaphoreSlim(0);
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            var buffer = new byte[100];
            while (await context.Request.Body.ReadAsync(buffer) > 0)
            {
                got.Release();
            }
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        var parts = Channel.CreateUnbounded<byte[]?>();

        var sending = proxy.Client.PostAsync("/", new StreamingContent(() => parts.Reader.ReadAsync().AsTask()));
        for (var i = 0; i < 3; i++)
        {
            parts.Writer.TryWrite("part"u8.ToArray());
            Assert.True(await got.WaitAsync(TimeSpan.FromSeconds(10)));
        }

        parts.Writer.TryWrite(null);
        using var response = await sending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task An_upstream_that_dies_in_the_middle_of_a_body_leaves_the_client_with_a_visibly_incomplete_one()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            var head = await connection.ReadHeadAsync();
            await connection.SendAsync(head.Contains("/chunked", StringComparison.Ordinal)
                ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                : $"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{new string('x', 50000)}");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        await Assert.ThrowsAsync<HttpRequestException>(() => proxy.Client.GetStringAsync("/chunked"));
        await Assert.ThrowsAsync<HttpRequestException>(() => proxy.Client.GetStringAsync("/declared"));

        var chunked = await RawAsync(proxy, "GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.DoesNotContain("\r\n0\r\n", chunked);
    }

    [Fact]
    public async Task A_small_body_that_is_cut_off_is_answered_for_because_nothing_was_sent_yet()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));

        using var response = await proxy.Client.PostAsync("/", new StringContent("x"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("error=connection_terminated", response.Headers.GetValues("Proxy-Status").Single());
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task A_request_without_a_body_is_delivered_once_when_the_upstream_closes_without_an_answer(string method)
    {
        var delivered = 0;
        await using var upstream = new RawUpstream(async connection =>
        {
            if ((await connection.ReadHeadAsync()).Length > 0)
            {
                Interlocked.Increment(ref delivered);
            }
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("\"Policy\": \"none\"", "", upstream.Url));

        using var response = await proxy.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), "/"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, delivered);
    }

    [Fact]
    public async Task A_client_that_leaves_cancels_the_upstream_request_at_once()
    {
        var arrived = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var upstream = await Upstream.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => cancelled.TrySetResult());
            arrived.SetResult();
            await cancelled.Task;
        });
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url));
        using var leave = new CancellationTokenSource();

        var sending = proxy.Client.GetAsync("/", leave.Token);
        await arrived.Task;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(5));
        var line = Assert.Single(await proxy.AccessLogAsync(1));
        Assert.Equal(499, line.GetProperty("status").GetInt32());
        Assert.Equal("client_closed", line.GetProperty("outcome").GetString());
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_requests_total{route=\"route\",cluster=\"cluster\",code=\"4xx\",outcome=\"client_closed\"}"));
    }

    [Fact]
    public async Task An_early_answer_ends_the_request_although_the_client_is_still_sending()
    {
        await using var upstream = await Upstream.StartAsync(
            context =>
            {
                context.Response.StatusCode = 413;
                return context.Response.WriteAsync("enough");
            },
            HttpProtocols.Http2);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"HttpRequest\": { \"Version\": \"2\", \"VersionPolicy\": \"RequestVersionExact\" }", upstream.Url));
        using var socket = await ConnectAsync(proxy);

        await socket.SendAsync(Encoding.ASCII.GetBytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nonly the beginning"));
        var buffer = new byte[4096];
        var count = await socket.ReceiveAsync(buffer);

        Assert.StartsWith("HTTP/1.1 413", Encoding.ASCII.GetString(buffer, 0, count));
    }

    [Fact]
    public async Task A_body_over_the_routes_limit_is_refused()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Request.Body.CopyToAsync(Stream.Null));
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/{**rest}" }, "MaxRequestBodySize": 1000 } },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } } } }
            }
            """);

        using var small = await proxy.Client.PostAsync("/", new ByteArrayContent(new byte[1000]));
        using var large = await proxy.Client.PostAsync("/", new ByteArrayContent(new byte[1001]));

        Assert.Equal(HttpStatusCode.OK, small.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.Contains("error=http_request_error", large.Headers.GetValues("Proxy-Status").Single());
    }

    [Fact]
    public async Task Http2_in_and_out_in_clear_text_carries_trailers_both_streams_at_once()
    {
        await using var upstream = await Upstream.StartAsync(
            async context =>
            {
                context.Response.ContentType = "application/grpc";
                context.Response.DeclareTrailer("grpc-status");
                var buffer = new byte[64];
                int read;
                while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
                {
                    await context.Response.Body.WriteAsync(buffer.AsMemory(0, read));
                    await context.Response.Body.FlushAsync();
                }

                context.Response.AppendTrailer("grpc-status", "0");
            },
            HttpProtocols.Http2);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"HttpRequest\": { \"Version\": \"2\", \"VersionPolicy\": \"RequestVersionExact\" }", upstream.Url),
            endpoints: "\"Grpc\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
        var parts = Channel.CreateUnbounded<byte[]?>();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new StreamingContent(() => parts.Reader.ReadAsync().AsTask());
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        var sending = proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        parts.Writer.TryWrite("one"u8.ToArray());
        using var response = await sending;
        var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[64];
        Assert.Equal("one", Encoding.ASCII.GetString(buffer, 0, await body.ReadAsync(buffer)));
        parts.Writer.TryWrite("two"u8.ToArray());
        Assert.Equal("two", Encoding.ASCII.GetString(buffer, 0, await body.ReadAsync(buffer)));
        parts.Writer.TryWrite(null);
        Assert.Equal(0, await body.ReadAsync(buffer));

        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_grpc_answer_of_headers_only_stays_one()
    {
        await using var upstream = await Upstream.StartAsync(
            context =>
            {
                context.Response.ContentType = "application/grpc";
                context.Response.Headers["grpc-status"] = "5";
                return Task.CompletedTask;
            },
            HttpProtocols.Http2);
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "\"HttpRequest\": { \"Version\": \"2\", \"VersionPolicy\": \"RequestVersionExact\" }", upstream.Url),
            endpoints: "\"Grpc\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/x") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent([]);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal("5", response.Headers.GetValues("grpc-status").Single());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Response_trailers_of_a_chunked_answer_reach_an_http2_client()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");
            await connection.UntilClosedAsync();
        });
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url), endpoints: "\"H2\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal("hello", await response.Content.ReadAsStringAsync());
        Assert.Equal("42", response.TrailingHeaders.GetValues("X-Sum").Single());
    }

    private static async Task<Socket> ConnectAsync(RunningProxy proxy)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(proxy.Url).Port);
        return socket;
    }

    /// <summary>Sends bytes as they are and returns all that comes back until the proxy closes.</summary>
    private static async Task<string> RawAsync(RunningProxy proxy, string request)
    {
        using var socket = await ConnectAsync(proxy);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var answer = new StringBuilder();
        var buffer = new byte[65536];
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, limit.Token)) > 0)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            // A reset is one way to end an incomplete answer.
        }

        return answer.ToString();
    }
}
