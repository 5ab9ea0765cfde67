using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;
using ResilientProxy.TestSupport;
using ResilientProxy.Tls;

namespace ResilientProxy.IntegrationTests;

/// <summary>TLS towards clients, over real sockets and with an authority of the test's own.</summary>
public sealed class ListenerTlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly List<IDisposable> _open = [];

    public void Dispose()
    {
        _open.ForEach(item => item.Dispose());
        _authority.Dispose();
    }

    [Theory]
    [InlineData("h2")]
    [InlineData("http/1.1")]
    public async Task A_client_gets_the_protocol_it_asks_for(string protocol)
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""{ "Url": "https://127.0.0.1:0", "Certificate": {{Pem("localhost")}} }""");

        await using var stream = await ConnectAsync(proxy, "localhost", protocols: [new SslApplicationProtocol(protocol)]);

        Assert.Equal(protocol, stream.NegotiatedApplicationProtocol.ToString());
        Assert.True(_authority.HasSigned(stream.RemoteCertificate));
    }

    [Fact]
    public async Task A_client_that_takes_everything_gets_http2()
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""{ "Url": "https://127.0.0.1:0", "Certificate": {{Pem("localhost")}} }""");

        using var client = Client("localhost");
        using var request = new HttpRequestMessage(HttpMethod.Get, Url(proxy)) { Version = HttpVersion.Version20 };
        using var response = await client.SendAsync(request);

        Assert.Equal(HttpVersion.Version20, response.Version);
        Assert.Equal("https", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Tls_from_1_2_is_taken(SslProtocols version)
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""{ "Url": "https://127.0.0.1:0", "Certificate": {{Pem("localhost")}} }""");

        await using var stream = await ConnectAsync(proxy, "localhost", version);

        Assert.Equal(version, stream.SslProtocol);
    }

    // RFC 8446 section 4.1.2 and RFC 5246 section 7.4.1.2: a hello by hand, because no library of today would send the old ones.
    [Theory]
    [InlineData(0x0303, 0x16)] // TLS 1.2: the server's hello
    [InlineData(0x0302, 0x15)] // TLS 1.1: an alert
    [InlineData(0x0301, 0x15)] // TLS 1.0: an alert
    public async Task Tls_before_1_2_is_refused(int version, int answer)
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""{ "Url": "https://127.0.0.1:0", "Certificate": {{Pem("localhost")}} }""");
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(proxy.Url).Port);

        await socket.GetStream().WriteAsync(ClientHello(version));
        var first = new byte[1];
        var count = await socket.GetStream().ReadAsync(first);

        Assert.Equal(1, count);
        Assert.Equal(answer, first[0]);
    }

    [Fact]
    public async Task A_pkcs12_file_with_a_password_by_reference_is_shown()
    {
        var path = _authority.WritePfx(Issue("localhost"), "tls.pfx", "s3cret-s3cret");
        await using var upstream = await EchoAsync();
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url),
            endpoints: $$"""
                "Https": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "{{path}}", "Password": "${ENV:PFX}" } }
                """,
            environment: new Dictionary<string, string> { ["PFX"] = "s3cret-s3cret" });

        await using var stream = await ConnectAsync(proxy, "localhost");

        Assert.True(_authority.HasSigned(stream.RemoteCertificate));
    }

    [Theory]
    [InlineData("a.example", "a.example")]
    [InlineData("A.EXAMPLE", "a.example")]
    [InlineData("x.b.example", "*.b.example")]
    [InlineData("x.deep.b.example", "*.deep.b.example")]
    [InlineData("other.example", "localhost")]
    public async Task The_name_a_client_asks_for_chooses_the_certificate(string asked, string shown)
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""
            { "Url": "https://127.0.0.1:0", "Certificate": {{Pem("localhost")}},
              "Sni": {
                "a.example": { "Certificate": {{Pem("a.example")}} },
                "*.b.example": { "Certificate": {{Pem("*.b.example")}} },
                "*.deep.b.example": { "Certificate": {{Pem("*.deep.b.example")}} } } }
            """);

        await using var stream = await ConnectAsync(proxy, asked);

        Assert.Equal($"CN={shown}", stream.RemoteCertificate!.Subject);
    }

    [Fact]
    public async Task A_name_without_a_certificate_is_refused_where_there_is_none_for_everybody()
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""
            { "Url": "https://127.0.0.1:0", "Sni": { "a.example": { "Certificate": {{Pem("a.example")}}, "Protocols": "Http1" } } }
            """);

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(proxy, "b.example"));
        await using var stream = await ConnectAsync(proxy, "a.example", protocols: [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);
        Assert.Equal(SslApplicationProtocol.Http11, stream.NegotiatedApplicationProtocol);
    }

    [Fact]
    public async Task A_default_certificate_serves_the_endpoints_without_one()
    {
        await using var upstream = await EchoAsync();
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url),
            endpoints: "\"Https\": { \"Url\": \"https://127.0.0.1:0\" }",
            kestrel: $$"""
                "Certificates": { "Default": {{Pem("localhost")}} }
                """);

        await using var stream = await ConnectAsync(proxy, "localhost");

        Assert.Equal("CN=localhost", stream.RemoteCertificate!.Subject);
    }

    [Theory]
    [InlineData("RequireCertificate", "ours", true)]
    [InlineData("RequireCertificate", "theirs", false)]
    [InlineData("RequireCertificate", "none", false)]
    [InlineData("AllowCertificate", "ours", true)]
    [InlineData("AllowCertificate", "theirs", false)]
    [InlineData("AllowCertificate", "none", true)]
    [InlineData("NoCertificate", "none", true)]
    public async Task A_listener_lets_in_whom_its_authority_signed(string mode, string shown, bool letIn)
    {
        using var others = new TestAuthority("Other Authority");
        var certificate = shown switch { "ours" => Issue("client"), "theirs" => others.Issue("client"), _ => null };
        await using var upstream = await EchoAsync();
        var authority = mode == "NoCertificate" ? "" : $$""", "ClientCertificateAuthority": { "Path": "{{_authority.Path}}" }""";
        await using var proxy = await StartAsync(upstream, $$"""
            { "Url": "https://127.0.0.1:0", "Certificate": {{Pem("localhost")}}, "ClientCertificateMode": "{{mode}}"{{authority}} }
            """);
        using var client = Client("localhost", certificate);

        if (letIn)
        {
            Assert.Equal("https", await client.GetStringAsync(Url(proxy)));
        }
        else
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(Url(proxy)));
            Assert.Empty(upstream.Requests);
        }
    }

    [Fact]
    public async Task A_certificate_swapped_on_disk_serves_new_connections_and_leaves_open_ones_alone()
    {
        var time = new SteppingTime();
        var expiry = new DateTimeOffset(2091, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var section = _authority.WritePem(Keep(_authority.Issue("localhost")), "tls");
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""{ "Url": "https://127.0.0.1:0", "Certificate": {{section}} }""", time);
        await using var before = await ConnectAsync(proxy, "localhost");
        var first = before.RemoteCertificate!.GetSerialNumberString();
        Assert.Contains("200 OK", await GetAsync(before));

        _authority.WritePem(Keep(_authority.Issue("localhost", expiry)), "tls");
        time.Advance(CertificateStore.PollInterval);
        await using var after = await ConnectAsync(proxy, "localhost");

        Assert.NotEqual(first, after.RemoteCertificate!.GetSerialNumberString());
        Assert.Contains("200 OK", await GetAsync(before));
        Assert.Contains("200 OK", await GetAsync(after));
        Assert.Equal(expiry.ToUnixTimeSeconds(), await proxy.MetricAsync("resilient_proxy_tls_certificate_expiry_timestamp_seconds{endpoint=\"Https\"}"));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_tls_certificate_reloads_total{endpoint=\"Https\",result=\"success\"}"));
    }

    [Fact]
    public async Task A_bad_certificate_on_disk_changes_nothing_but_a_log_line_and_a_counter()
    {
        var time = new SteppingTime();
        var section = _authority.WritePem(Keep(_authority.Issue("localhost")), "tls");
        await using var upstream = await EchoAsync();
        await using var proxy = await StartAsync(upstream, $$"""{ "Url": "https://127.0.0.1:0", "Certificate": {{section}} }""", time);

        _authority.Write("tls.crt", "-----BEGIN CERTIFICATE-----\nhalf of");
        time.Advance(CertificateStore.PollInterval);
        time.Advance(CertificateStore.PollInterval);

        await using var stream = await ConnectAsync(proxy, "localhost");
        Assert.True(_authority.HasSigned(stream.RemoteCertificate));
        Assert.Equal(1, await proxy.MetricAsync("resilient_proxy_tls_certificate_reloads_total{endpoint=\"Https\",result=\"failure\"}"));
        Assert.Single(proxy.Log.Lines, line => line.Contains("The changed certificates of Https were refused", StringComparison.Ordinal) && line.Contains(_authority.PathOf("tls.crt"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_certificate_that_is_missing_at_the_start_is_named()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", "http://127.0.0.1:1/"),
            endpoints: "\"Https\": { \"Url\": \"https://127.0.0.1:0\", \"Certificate\": { \"Path\": \"/nowhere/tls.pfx\", \"Password\": \"s3cret\" } }"));

        Assert.Contains("error $.Kestrel.Endpoints.Https.Certificate.Path: the file cannot be read", error.Message);
        Assert.Contains("/nowhere/tls.pfx", error.Message);
        Assert.DoesNotContain("s3cret", error.Message);
    }

    private static Task<Upstream> EchoAsync() => Upstream.StartAsync(context => context.Response.WriteAsync(context.Request.Headers["X-Forwarded-Proto"].ToString()));

    private static Task<RunningProxy> StartAsync(Upstream upstream, string endpoint, TimeProvider? time = null) =>
        RunningProxy.StartAsync(RunningProxy.OneRoute("", "", upstream.Url), endpoints: $"\"Https\": {endpoint}", time: time);

    private static string Url(RunningProxy proxy) => $"https://localhost:{new Uri(proxy.Url).Port}/";

    private static byte[] ClientHello(int version)
    {
        byte[] suites = [0xC0, 0x2B, 0xC0, 0x2C, 0xC0, 0x09, 0xC0, 0x0A, 0xC0, 0x23, 0xC0, 0x24];
        byte[] extensions =
        [
            0x00, 0x0A, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, // supported_groups: secp256r1
            0x00, 0x0D, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03, // signature_algorithms: ecdsa_secp256r1_sha256
        ];
        byte[] body =
        [
            (byte)(version >> 8), (byte)version, .. new byte[32], 0x00,
            0x00, (byte)suites.Length, .. suites, 0x01, 0x00,
            0x00, (byte)extensions.Length, .. extensions,
        ];
        return [0x16, 0x03, 0x01, 0x00, (byte)(body.Length + 4), 0x01, 0x00, 0x00, (byte)body.Length, .. body];
    }

    private static async Task<string> GetAsync(SslStream stream)
    {
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        var text = "";
        var buffer = new byte[4096];
        while (!text.EndsWith("https", StringComparison.Ordinal) && !text.EndsWith("0\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer);
            if (count == 0)
            {
                break;
            }

            text += Encoding.Latin1.GetString(buffer, 0, count);
        }

        return text;
    }

    private async Task<SslStream> ConnectAsync(RunningProxy proxy, string name, SslProtocols version = SslProtocols.None, List<SslApplicationProtocol>? protocols = null)
    {
        var socket = new TcpClient();
        _open.Add(socket);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(proxy.Url).Port);
        var stream = new SslStream(socket.GetStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = name,
            EnabledSslProtocols = version,
            ApplicationProtocols = protocols,
            RemoteCertificateValidationCallback = static (_, shown, _, _) => shown is not null, // the tests look at it themselves
        });
        return stream;
    }

    private HttpClient Client(string name, X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Subject == $"CN={name}" && _authority.HasSigned(shown);
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!;
        return new HttpClient(handler);
    }

    private string Pem(string name) => _authority.WritePem(Issue(name), name.Replace('*', '_'));

    private X509Certificate2 Issue(string name) => Keep(_authority.Issue(name));

    private X509Certificate2 Keep(X509Certificate2 certificate)
    {
        _open.Add(certificate);
        return certificate;
    }

    // Stands still but for the polls: everything else of the proxy runs on the real clock.
    private sealed class SteppingTime : TimeProvider
    {
        private readonly ManualTime _polls = new();

        public void Advance(TimeSpan span) => _polls.Advance(span);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period == CertificateStore.PollInterval ? _polls.CreateTimer(callback, state, dueTime, period) : base.CreateTimer(callback, state, dueTime, period);
    }
}
