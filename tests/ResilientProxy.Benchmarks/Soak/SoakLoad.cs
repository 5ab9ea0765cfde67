using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using ResilientProxy.TestSupport;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>The clients: patient and hasty ones, slow ones, ones that leave, uploads, streams of events and WebSockets.</summary>
internal sealed class SoakLoad : IDisposable
{
    private const int KiB = 1024;

    private readonly Ledger _ledger;
    private readonly SoakOptions _options;
    private readonly Uri _url;
    private readonly Random _random;
    private readonly HttpClient _kept;
    private readonly HttpClient _fresh;
    private int _running;

    /// <summary>Connects to nobody yet.</summary>
    /// <param name="url">The proxy.</param>
    /// <param name="ledger">Keeps what comes of every request.</param>
    /// <param name="options">How much, and which dice.</param>
    public SoakLoad(string url, Ledger ledger, SoakOptions options)
    {
        _ledger = ledger;
        _options = options;
        _url = new Uri(url);
        _random = new Random(options.Seed);
        _kept = Client(TimeSpan.FromSeconds(20));
        _fresh = Client(TimeSpan.Zero); // a connection for each request
    }

    /// <summary>Requests whose client still waits.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Runs the load, and waits for the last answer.</summary>
    /// <param name="length">How long requests are begun.</param>
    public async Task RunAsync(TimeSpan length)
    {
        var started = Stopwatch.GetTimestamp();
        for (long begun = 0; Stopwatch.GetElapsedTime(started) < length;)
        {
            for (var due = (long)(Stopwatch.GetElapsedTime(started).TotalSeconds * _options.PerSecond); begun < due; begun++)
            {
                Begin();
            }

            await Task.Delay(5);
        }

        await Eventually.TrueAsync(() => Running == 0, "the end of the last request", TimeSpan.FromSeconds(90));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _kept.Dispose();
        _fresh.Dispose();
    }

    private static HttpClient Client(TimeSpan lifetime) =>
        new(new SocketsHttpHandler { PooledConnectionLifetime = lifetime, AllowAutoRedirect = false, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(60) };

    private void Begin()
    {
        var dice = _options.Calm ? 0 : _random.NextDouble();
        var client = _options.Calm || _random.Next(10) > 0 ? _kept : _fresh;
        var (kind, run) = dice switch
        {
            < 0.60 => ("get", (Func<Account, Task>)(account => GetAsync(client, account, "get", 100))),
            < 0.68 => ("chunked", account => GetAsync(client, account, "chunked", 100 * KiB)),
            < 0.70 => ("slow reader", account => GetAsync(client, account, "large", KiB * KiB, pause: 10)),
            < 0.80 => ("post", account => UploadAsync(client, account, HttpMethod.Post, KiB)),
            < 0.86 => ("put", account => UploadAsync(client, account, HttpMethod.Put, 50 * KiB)),
            < 0.88 => ("slow upload", account => UploadAsync(client, account, HttpMethod.Put, 200 * KiB, pieces: 10, pause: 20)),
            < 0.92 => ("leaves", account => LeaveAsync(client, account)),
            < 0.94 => ("resets", ResetAsync),
            < 0.96 => ("hedged", account => GetAsync(client, account, "get", 2000, "hedged")),
            < 0.98 => ("events", account => EventsAsync(client, account)),
            < 0.99 => ("web socket", WebSocketAsync),
            _ => ("put, hedged", account => UploadAsync(client, account, HttpMethod.Put, 20 * KiB, route: "hedged")),
        };
        _ = TrackAsync(_ledger.Begin(kind), run);
    }

    // Whatever comes of it, the account has an end.
    private async Task TrackAsync(Account account, Func<Account, Task> run)
    {
        Interlocked.Increment(ref _running);
        try
        {
            await run(account);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or SocketException or WebSocketException or OperationCanceledException)
        {
            account.Why = $"{error.GetType().Name}: {error.Message} {error.InnerException?.Message}";
            if (account.End == ClientEnd.None)
            {
                account.Ended(ClientEnd.NoAnswer);
            }
        }
        finally
        {
            _ledger.Close(account);
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task GetAsync(HttpClient client, Account account, string kind, int size, string route = "main", int pause = 0)
    {
        using var response = await client.GetAsync(UriOf(account, kind, size, route), HttpCompletionOption.ResponseHeadersRead);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            var (length, isRight) = (0L, true);
            var buffer = new byte[64 * KiB];
            int read;
            while ((read = await body.ReadAsync(buffer)) > 0)
            {
                length += read;
                isRight &= !buffer.AsSpan(0, read).ContainsAnyExcept(SoakUpstreams.Filling(account.Id));
                if (pause > 0)
                {
                    await Task.Delay(pause);
                }
            }

            EndWhole(account, response, isRight && length == size);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            account.Ended(ClientEnd.Broken, (int)response.StatusCode);
        }
    }

    private async Task UploadAsync(HttpClient client, Account account, HttpMethod method, int size, int pieces = 1, int pause = 0, string route = "main")
    {
        var piece = new byte[size / pieces];
        piece.AsSpan().Fill(SoakUpstreams.Filling(account.Id));
        var left = pieces;
        using var request = new HttpRequestMessage(method, UriOf(account, "echo", size, route))
        {
            Content = pieces == 1 ? new ByteArrayContent(piece) : new StreamingContent(async () =>
            {
                await Task.Delay(pause);
                return left-- > 0 ? piece : null;
            }),
        };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        try
        {
            var text = await response.Content.ReadAsStringAsync();
            long length = piece.Length * pieces;
            EndWhole(account, response, text == string.Create(CultureInfo.InvariantCulture, $"{length} {length * SoakUpstreams.Filling(account.Id)}"));
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            account.Ended(ClientEnd.Broken, (int)response.StatusCode);
        }
    }

    private async Task LeaveAsync(HttpClient client, Account account)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(account.Id % 40));
        try
        {
            using var response = await client.GetAsync(UriOf(account, "large", 200 * KiB), HttpCompletionOption.ResponseHeadersRead, patience.Token);
            await response.Content.ReadAsByteArrayAsync(patience.Token);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            // As was the plan.
        }

        account.Ended(ClientEnd.Left);
    }

    private async Task ResetAsync(Account account)
    {
        account.Ended(ClientEnd.Left);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_url.Host, _url.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {UriOf(account, "large", 200 * KiB).PathAndQuery} HTTP/1.1\r\nHost: soak\r\n\r\n"));
        await Task.Delay((int)(account.Id % 20));
        socket.Close(0);
    }

    private async Task EventsAsync(HttpClient client, Account account)
    {
        const int Events = 30;
        var wanted = account.Id % 2 == 0 ? Events : Events / 2; // half of them leave half-way
        using var response = await client.GetAsync(UriOf(account, "events", Events), HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
        {
            EndWhole(account, response, isRight: true);
            return;
        }

        try
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            var (seen, isRight) = (0, true);
            while ((wanted == Events || seen < wanted) && await reader.ReadLineAsync() is { } line)
            {
                isRight &= line.Length == 0 || line == $"data: {account.Id}";
                seen += line.Length == 0 ? 0 : 1;
            }

            if (wanted == Events)
            {
                EndWhole(account, response, isRight && seen == Events);
            }
            else
            {
                account.Ended(ClientEnd.Left);
            }
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            account.Ended(ClientEnd.Broken, (int)response.StatusCode);
        }
    }

    private async Task WebSocketAsync(Account account)
    {
        const int Messages = 40;
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await socket.ConnectAsync(new UriBuilder(UriOf(account, "ws", 0)) { Scheme = "ws" }.Uri, CancellationToken.None);
        }
        catch (WebSocketException) when (socket.HttpStatusCode != 0)
        {
            var status = socket.HttpResponseHeaders?.GetValueOrDefault("Proxy-Status")?.FirstOrDefault();
            account.Ended(ClientEnd.Whole, (int)socket.HttpStatusCode, WordOf(status));
            return;
        }

        var buffer = new byte[4096];
        var isRight = true;
        try
        {
            for (var i = 0; i < Messages; i++)
            {
                var message = Encoding.ASCII.GetBytes($"{account.Id} {i} {new string('x', i * 50)}");
                await socket.SendAsync(message, WebSocketMessageType.Text, true, CancellationToken.None);
                var echo = await socket.ReceiveAsync(buffer, CancellationToken.None);
                isRight &= buffer.AsSpan(0, echo.Count).SequenceEqual(message);
                await Task.Delay(25);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
            account.Ended(ClientEnd.Whole, (int)HttpStatusCode.SwitchingProtocols, isRight: isRight);
        }
        catch (WebSocketException)
        {
            account.Ended(ClientEnd.Broken, (int)HttpStatusCode.SwitchingProtocols);
        }
    }

    private static void EndWhole(Account account, HttpResponseMessage response, bool isRight)
    {
        var status = response.Headers.TryGetValues("Proxy-Status", out var values) ? values.First() : null;
        account.Ended(ClientEnd.Whole, (int)response.StatusCode, WordOf(status), isRight || !response.IsSuccessStatusCode);
    }

    private static string? WordOf(string? proxyStatus) =>
        proxyStatus?.IndexOf("error=", StringComparison.Ordinal) is { } at and >= 0 ? proxyStatus[(at + "error=".Length)..].Split(';', ',')[0] : null;

    private Uri UriOf(Account account, string kind, int size, string route = "main") => new(_url, $"/{route}/{account.Id}/{kind}/{size}");
}
