using System.Net;
using System.Text;
using ResilientProxy.Http1;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>Our own client of HTTP/1.1 against upstreams that behave, misbehave, and say nothing.</summary>
public class Http1ClientTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task One_connection_carries_one_request_after_the_other()
    {
        await using var upstream = Answering(Ok);
        var client = Client();

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("ok", await GetAsync(client, upstream.Url));
        }

        Assert.Equal(1, upstream.Accepted);
    }

    [Fact]
    public async Task A_request_is_written_byte_for_byte_as_it_is()
    {
        var head = new TaskCompletionSource<string>();
        await using var upstream = new RawUpstream(async connection =>
        {
            head.SetResult(await connection.ReadHeadAsync());
            await connection.SendAsync(Ok);
        });
        using var message = Get(upstream.Url);
        message.RequestUri = new Uri(upstream.Url + "a%2Fb//c?x=%41&y", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        message.Headers.TryAddWithoutValidation("X-Field", "\u00e9\u00ff");
        message.Headers.TryAddWithoutValidation("Cookie", ["a=1", "b=2"]);

        using var response = await Client().SendAsync(message, CancellationToken.None);

        Assert.Equal(
            $"GET /a%2Fb//c?x=%41&y HTTP/1.1\r\nHost: {new Uri(upstream.Url).Authority}\r\nX-Field: \u00e9\u00ff\r\nCookie: a=1; b=2\r\n\r\n",
            await head.Task);
    }

    [Fact]
    public async Task A_body_of_unknown_length_goes_out_in_chunks_and_each_piece_at_once()
    {
        var first = new TaskCompletionSource<string>();
        var whole = new TaskCompletionSource<string>();
        await using var upstream = new RawUpstream(async connection =>
        {
            var head = await connection.ReadHeadAsync();
            first.SetResult(head + await connection.ReadBodyAsync("5\r\nhello\r\n".Length));
            whole.SetResult(await connection.ReadBodyAsync("6\r\n world\r\n0\r\n\r\n".Length));
            await connection.SendAsync(Ok);
            await connection.UntilClosedAsync();
        });
        using var body = new GatedContent("hello", " world");
        var client = Client();

        var sending = SendAsync(client, upstream.Url, body);
        var seen = await first.Task.WaitAsync(Bound);
        body.Open();

        Assert.EndsWith("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", seen);
        Assert.Equal("6\r\n world\r\n0\r\n\r\n", await whole.Task.WaitAsync(Bound));
        Assert.Equal("ok", await sending.WaitAsync(Bound));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public async Task A_body_that_is_not_as_long_as_it_says_never_looks_whole(int declared)
    {
        var got = new TaskCompletionSource<string>();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            got.SetResult(await connection.ReadBodyAsync(1000));
        });
        using var body = new GatedContent("hello", "");
        body.Headers.ContentLength = declared;
        body.Open();

        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(Client(), upstream.Url, body).WaitAsync(Bound));

        Assert.NotEqual(declared, (await got.Task.WaitAsync(Bound)).Length);
    }

    [Fact]
    public async Task A_body_that_cannot_be_read_ends_the_connection_before_its_last_chunk()
    {
        var got = new TaskCompletionSource<string>();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            got.SetResult(await connection.ReadBodyAsync(1000));
        });
        using var body = new GatedContent("hello", " world") { Error = new IOException("The client left.") };
        body.Open();

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(Client(), upstream.Url, body).WaitAsync(Bound));

        Assert.NotNull(error.InnerException);
        Assert.DoesNotContain("0\r\n\r\n", await got.Task.WaitAsync(Bound));
    }

    [Fact]
    public async Task A_field_that_would_end_its_line_is_not_sent()
    {
        await using var upstream = Answering(Ok);
        using var message = Get(upstream.Url);
        message.Headers.Host = "a.example";
        message.RequestUri = new Uri(upstream.Url + "a b", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

        await Assert.ThrowsAsync<HttpRequestException>(() => Client().SendAsync(message, CancellationToken.None));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nX")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")]
    public async Task A_connection_that_is_to_end_or_says_more_than_its_answer_is_used_once(string answer)
    {
        await using var upstream = Answering(answer);
        var client = Client();

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("ok", await GetAsync(client, upstream.Url));
        }

        Assert.Equal(5, upstream.Accepted);
    }

    [Theory]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nhello")]
    public async Task A_body_without_length_ends_with_its_connection(string answer)
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
            await connection.SendAsync(" world");
        });

        Assert.Equal("hello world", await GetAsync(Client(), upstream.Url));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nno trailer\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n")]
    public async Task A_body_that_breaks_off_is_an_error_and_never_an_end(string answer)
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
        });

        await Assert.ThrowsAnyAsync<IOException>(() => GetAsync(Client(), upstream.Url));
    }

    [Fact]
    public async Task A_body_without_length_that_is_reset_is_an_error_and_never_an_end()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\n\r\nhello");
            connection.Reset();
        });

        await Assert.ThrowsAnyAsync<IOException>(() => GetAsync(Client(), upstream.Url));
    }

    [Fact]
    public async Task An_answer_is_the_same_however_its_bytes_come()
    {
        const string Answer = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-Field: a b\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
        var random = new Random(3);
        await using var upstream = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { Length: > 0 } head)
            {
                var cut = int.Parse(head.Split(' ')[1].TrimStart('/'), System.Globalization.CultureInfo.InvariantCulture);
                await connection.SendAsync(Answer[..cut]);
                await Task.Yield();
                var second = random.Next(cut, Answer.Length + 1);
                await connection.SendAsync(Answer[cut..second]);
                await connection.SendAsync(Answer[second..]);
            }
        });
        var client = Client();

        for (var cut = 0; cut <= Answer.Length; cut++)
        {
            using var message = Get(upstream.Url + cut);
            using var response = await client.SendAsync(message, CancellationToken.None).WaitAsync(Bound);
            Assert.Equal("hello world", await response.Content.ReadAsStringAsync());
            Assert.Equal(("a b", "1"), (response.Headers.GetValues("X-Field").Single(), response.TrailingHeaders.GetValues("X-Sum").Single()));
        }

        Assert.Equal(1, upstream.Accepted);
    }

    [Fact]
    public async Task A_head_larger_than_allowed_is_refused_without_reading_it_all()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nX-Big: ");
            while (true)
            {
                await connection.SendAsync(new string('a', 10_000));
            }
        });

        await Assert.ThrowsAsync<AnswerTooLargeException>(() => GetAsync(Client(), upstream.Url).WaitAsync(Bound));
    }

    [Fact]
    public async Task Trailers_larger_than_allowed_are_refused_without_reading_them_all()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
            while (true)
            {
                await connection.SendAsync("X-More: " + new string('a', 1000) + "\r\n");
            }
        });

        await Assert.ThrowsAsync<AnswerTooLargeException>(() => GetAsync(Client(), upstream.Url).WaitAsync(Bound));
    }

    [Fact]
    public async Task Interim_answers_without_end_are_no_answer()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            while (true)
            {
                await connection.SendAsync("HTTP/1.1 102 Processing\r\n\r\n");
            }
        });

        await Assert.ThrowsAsync<MalformedAnswerException>(() => GetAsync(Client(), upstream.Url).WaitAsync(Bound));
    }

    [Fact]
    public async Task A_connection_that_dies_before_its_answer_tells_whether_it_had_been_used_before()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            if (connection.Number == 1)
            {
                await connection.ReadHeadAsync();
                await connection.SendAsync(Ok);
            }

            await connection.ReadHeadAsync();
        });
        var client = Client();
        await GetAsync(client, upstream.Url);

        var reused = await Assert.ThrowsAsync<UpstreamClosedException>(() => GetAsync(client, upstream.Url));
        var fresh = await Assert.ThrowsAsync<UpstreamClosedException>(() => GetAsync(client, upstream.Url));

        Assert.True(reused.Reused);
        Assert.False(fresh.Reused);
        Assert.Equal(2, upstream.Accepted); // and nothing was sent a second time
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")]
    public async Task A_connection_that_was_closed_or_spoken_on_while_idle_is_not_used_again(string said)
    {
        var idle = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(Ok);
            await idle.Task;
            await connection.SendAsync(said);
        });
        var pool = Pool(upstream.Url);
        var first = await ExchangeAsync(pool, upstream.Url);
        Assert.True(first.IsUsable(_time.GetTimestamp()));

        idle.SetResult();
        await Eventually.TrueAsync(() => !first.IsUsable(_time.GetTimestamp()), "the connection is known to be over");
        var second = await ExchangeAsync(pool, upstream.Url);

        Assert.NotSame(first, second);
        Assert.Equal(2, upstream.Accepted);
    }

    [Theory]
    [InlineData(51, 1)]
    [InlineData(40, 10)]
    public async Task A_connection_that_is_idle_for_too_long_or_too_old_is_closed(int seconds, int times)
    {
        await using var upstream = Answering(Ok);
        var pool = Pool(upstream.Url);
        for (var i = 0; i < times; i++)
        {
            await ExchangeAsync(pool, upstream.Url);
            _time.Advance(TimeSpan.FromSeconds(seconds));
        }

        await ExchangeAsync(pool, upstream.Url);

        Assert.Equal(2, upstream.Accepted);
        Assert.Equal((1, 1), pool.Count);
    }

    [Fact]
    public async Task Idle_connections_are_closed_without_anybody_asking_for_one()
    {
        await using var upstream = Answering(Ok);
        var pool = Pool(upstream.Url);
        await ExchangeAsync(pool, upstream.Url);

        _time.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal((0, 0), pool.Count);
    }

    [Fact]
    public async Task A_thousand_requests_at_once_are_answered_and_leave_no_connection_behind()
    {
        var all = new CountdownEvent(1000);
        await using var upstream = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { Length: > 0 })
            {
                await connection.SendAsync(Ok);
            }
        });
        var pool = Pool(upstream.Url);

        await Task.WhenAll(Enumerable.Range(0, 1000).Select(async _ =>
        {
            await Task.Yield();
            await ExchangeAsync(pool, upstream.Url);
            all.Signal();
        })).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(0, all.CurrentCount);
        var (open, idle) = pool.Count;
        Assert.Equal(open, idle);
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal((0, 0), pool.Count);
    }

    [Fact]
    public async Task No_more_connections_are_opened_than_allowed_and_who_waits_gets_one()
    {
        await using var upstream = Answering(Ok);
        var pool = Pool(upstream.Url, new Http1Settings { MaxConnections = 3 });

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            await Task.Yield();
            await ExchangeAsync(pool, upstream.Url);
        })).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.InRange(upstream.Accepted, 1, 3);
    }

    [Fact]
    public async Task A_place_whose_connection_was_closed_goes_to_who_waits_longest()
    {
        await using var upstream = Answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        var pool = Pool(upstream.Url, new Http1Settings { MaxConnections = 1 });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ExchangeAsync(pool, upstream.Url))).WaitAsync(Bound);

        Assert.Equal(20, upstream.Accepted);
        Assert.Equal((0, 0), pool.Count);
    }

    [Fact]
    public async Task A_connection_that_is_not_there_in_time_says_so_by_the_clock()
    {
        using var full = new FullListener();
        var pool = Pool(full.Url);
        var taking = pool.TakeAsync(CancellationToken.None).AsTask();

        _time.Advance(TimeSpan.FromSeconds(4));
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => taking.WaitAsync(Bound));

        Assert.Equal(HttpRequestError.ConnectionError, error.HttpRequestError);
        Assert.IsType<TimeoutException>(error.InnerException);
        Assert.Equal((0, 0), pool.Count);
    }

    [Fact]
    public async Task An_early_answer_is_heard_while_the_body_is_still_being_sent()
    {
        var closed = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
            await connection.UntilClosedAsync();
            closed.SetResult();
        });
        using var body = new GatedContent("hello", " world");
        using var message = new HttpRequestMessage(HttpMethod.Post, upstream.Url) { Version = HttpVersion.Version11, Content = body };

        var response = await Client().SendAsync(message, CancellationToken.None).WaitAsync(Bound);
        Assert.Equal("no", await response.Content.ReadAsStringAsync().WaitAsync(Bound));
        response.Dispose();

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        await closed.Task.WaitAsync(Bound); // half a request is on it: nobody else gets it
        body.Open();
    }

    [Fact]
    public async Task An_upstream_that_answers_and_resets_while_the_body_is_being_sent_is_heard()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
        });
        using var body = new ByteArrayContent(new byte[20_000_000]);
        using var message = new HttpRequestMessage(HttpMethod.Post, upstream.Url) { Version = HttpVersion.Version11, Content = body };

        using var response = await Client().SendAsync(message, CancellationToken.None).WaitAsync(Bound);

        Assert.Equal("no", await response.Content.ReadAsStringAsync().WaitAsync(Bound));
    }

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("")]
    public async Task A_body_that_waits_to_be_asked_for_is_sent_when_it_is_or_after_a_while(string asks)
    {
        var headRead = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(asks);
            headRead.SetResult();
            Assert.Equal("hello world", await connection.ReadBodyAsync(11));
            await connection.SendAsync(Ok);
            await connection.UntilClosedAsync();
        });
        using var body = new GatedContent("hello", " world");
        body.Headers.ContentLength = 11;
        body.Open();
        using var message = new HttpRequestMessage(HttpMethod.Post, upstream.Url) { Version = HttpVersion.Version11, Content = body };
        message.Headers.ExpectContinue = true;
        var sending = Client().SendAsync(message, CancellationToken.None);
        await headRead.Task.WaitAsync(Bound);

        if (asks.Length == 0)
        {
            Assert.False(body.IsAskedFor);
            await Eventually.TrueAsync(() => { _time.Advance(TimeSpan.FromSeconds(1)); return body.IsAskedFor; }, "the body goes out unasked");
        }

        using var response = await sending.WaitAsync(Bound);
        Assert.Equal("ok", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_body_that_waits_to_be_asked_for_is_never_read_where_the_answer_is_a_refusal()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
            await connection.UntilClosedAsync();
        });
        using var body = new GatedContent("hello", " world");
        using var message = new HttpRequestMessage(HttpMethod.Post, upstream.Url) { Version = HttpVersion.Version11, Content = body };
        message.Headers.ExpectContinue = true;

        using var response = await Client().SendAsync(message, CancellationToken.None).WaitAsync(Bound);

        Assert.Equal("no", await response.Content.ReadAsStringAsync());
        Assert.False(body.IsAskedFor);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le", 0)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", 0)]
    [InlineData("", 5)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello", 0)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-", 0)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nhello", 0)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello", 5)]
    public async Task An_exchange_that_is_cancelled_ends_at_once_and_its_connection_with_it(string said, int bodyBytes)
    {
        var saidIt = new TaskCompletionSource();
        var closed = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(said);
            saidIt.SetResult();
            await connection.UntilClosedAsync();
            closed.SetResult();
        });
        using var cancellation = new CancellationTokenSource();
        using var message = new HttpRequestMessage(HttpMethod.Put, upstream.Url) { Version = HttpVersion.Version11 };
        using var body = new GatedContent("hello", " world");
        message.Content = bodyBytes > 0 ? body : null;
        var sending = ReadAsync(Client().SendAsync(message, cancellation.Token));
        await saidIt.Task.WaitAsync(Bound);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(Bound));
        await closed.Task.WaitAsync(Bound);
        body.Open();

        async Task<string> ReadAsync(Task<HttpResponseMessage> answer)
        {
            using var response = await answer;
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation.Token);
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync(cancellation.Token);
        }
    }

    [Fact]
    public async Task A_body_without_length_that_we_end_ourselves_never_looks_whole()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\n\r\nhello");
            await connection.UntilClosedAsync();
        });
        var client = Client();
        for (var i = 0; i < 100; i++)
        {
            using var cancellation = new CancellationTokenSource();
            using var message = Get(upstream.Url);
            using var response = await client.SendAsync(message, cancellation.Token);
            var reading = ReadAsync(response);

            await cancellation.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }
    }

    [Fact]
    public async Task A_wait_for_a_connection_can_be_cancelled_and_so_can_its_opening()
    {
        using var full = new FullListener();
        using var cancellation = new CancellationTokenSource();
        var pool = Pool(full.Url, new Http1Settings { MaxConnections = 1 });
        var opening = pool.TakeAsync(cancellation.Token).AsTask();
        var waiting = pool.TakeAsync(cancellation.Token).AsTask();

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(Bound));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Bound));
        await Eventually.TrueAsync(() => pool.Count == (0, 0), "no connection is left");
    }

    [Fact]
    public async Task A_body_that_the_upstream_does_not_take_can_be_cancelled()
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await Task.Delay(Timeout.Infinite, connection.End);
        });
        using var cancellation = new CancellationTokenSource();
        using var body = new GatedContent(new string('x', 20_000_000), "");
        using var message = new HttpRequestMessage(HttpMethod.Put, upstream.Url) { Version = HttpVersion.Version11, Content = body };
        var sending = Client().SendAsync(message, cancellation.Token);
        await Eventually.TrueAsync(() => body.IsAskedFor, "the body is being sent");

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(Bound));
        await body.Ended.WaitAsync(Bound);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 1)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\nhello", 2)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 2)]
    public async Task An_answer_that_nobody_reads_keeps_its_connection_only_where_all_of_it_is_there(string answer, int connections)
    {
        await using var upstream = Answering(answer);
        var pool = Pool(upstream.Url);
        for (var i = 0; i < 2; i++)
        {
            using var message = Get(upstream.Url);
            using var response = await (await pool.TakeAsync(CancellationToken.None)).SendAsync(message, CancellationToken.None);
        }

        Assert.Equal(connections, upstream.Accepted);
    }

    private Http1Client Client() => new(new Http1Settings(), _time);

    private ConnectionPool Pool(string url, Http1Settings? settings = null) => new(new Uri(url).Host, new Uri(url).Port, settings ?? new(), _time);

    private static HttpRequestMessage Get(string url) => new(HttpMethod.Get, url) { Version = HttpVersion.Version11 };

    private static async Task<string> GetAsync(Http1Client client, string url)
    {
        using var message = Get(url);
        using var response = await client.SendAsync(message, CancellationToken.None).WaitAsync(Bound);
        return await ReadAsync(response);
    }

    private static async Task<string> SendAsync(Http1Client client, string url, HttpContent body)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, url) { Version = HttpVersion.Version11, Content = body };
        using var response = await client.SendAsync(message, CancellationToken.None);
        return await ReadAsync(response);
    }

    private static async Task<string> ReadAsync(HttpResponseMessage response)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(), Encoding.Latin1);
        return await reader.ReadToEndAsync().WaitAsync(Bound);
    }

    private static async Task<Http1Connection> ExchangeAsync(ConnectionPool pool, string url)
    {
        using var message = Get(url);
        var connection = await pool.TakeAsync(CancellationToken.None);
        using var response = await connection.SendAsync(message, CancellationToken.None);
        Assert.Equal("ok", await ReadAsync(response));
        return connection;
    }

    private static RawUpstream Answering(string answer) => new(async connection =>
    {
        while (await connection.ReadHeadAsync() is { Length: > 0 })
        {
            await connection.SendAsync(answer);
        }
    });

    /// <summary>A body in two pieces; the second one waits until the gate is opened.</summary>
    private sealed class GatedContent(string first, string second) : HttpContent
    {
        private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _asked;

        public Exception? Error { get; init; }

        public bool IsAskedFor => _asked;

        public Task Ended => _ended.Task;

        public void Open() => _gate.TrySetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            _asked = true;
            try
            {
                await stream.WriteAsync(Encoding.Latin1.GetBytes(first), cancellationToken);
                await stream.FlushAsync(cancellationToken);
                await _gate.Task.WaitAsync(cancellationToken);
                if (Error is not null)
                {
                    throw Error;
                }

                await stream.WriteAsync(Encoding.Latin1.GetBytes(second), cancellationToken);
            }
            finally
            {
                _ended.SetResult();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
