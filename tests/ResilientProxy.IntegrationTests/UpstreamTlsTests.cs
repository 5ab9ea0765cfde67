using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>TLS towards upstreams: whom the proxy trusts, and how it makes itself known.</summary>
public sealed class UpstreamTlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly List<X509Certificate2> _open = [];

    public void Dispose()
    {
        _open.ForEach(certificate => certificate.Dispose());
        _authority.Dispose();
    }

    [Fact]
    public async Task An_upstream_signed_by_the_clusters_own_authority_is_spoken_to_in_http2()
    {
        await using var upstream = await StartAsync(Issue(_authority, "127.0.0.1"));
        await using var proxy = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}" }""");

        Assert.Equal("HTTP/2", await proxy.Client.GetStringAsync("/"));
        Assert.Equal("HTTP/2", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_upstream_that_speaks_http11_only_is_spoken_to_in_http11()
    {
        await using var upstream = await StartAsync(Issue(_authority, "127.0.0.1"), protocols: Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1);
        await using var proxy = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}" }""");

        Assert.Equal("HTTP/1.1", await proxy.Client.GetStringAsync("/"));
        Assert.Equal("HTTP/1.1", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_upstream_of_another_authority_is_refused()
    {
        using var others = new TestAuthority("Other Authority");
        await using var upstream = await StartAsync(Issue(others, "127.0.0.1"));
        await using var proxy = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}" }""");

        await RefusedAsync(proxy);
    }

    [Fact]
    public async Task An_upstream_whose_certificate_is_for_another_name_is_refused()
    {
        await using var upstream = await StartAsync(Issue(_authority, "shop.internal"));
        await using var proxy = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}" }""");

        await RefusedAsync(proxy);
    }

    [Fact]
    public async Task The_server_name_is_asked_for_and_looked_for_whatever_host_the_request_names()
    {
        string? asked = null;
        await using var upstream = await StartAsync(Issue(_authority, "shop.internal"), onHello: name => asked = name);
        await using var proxy = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}", "ServerName": "shop.internal" }""");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = "evil.example";

        using var response = await proxy.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("shop.internal", asked);
    }

    [Fact]
    public async Task An_upstream_that_asks_for_a_certificate_gets_the_clusters()
    {
        var certificate = _authority.WritePfx(Issue(_authority, "resilient-proxy"), "client.pfx", "pw");
        await using var upstream = await StartAsync(Issue(_authority, "127.0.0.1"), clients: true);
        await using var with = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}", "CertificatePath": "{{certificate}}", "Password": "pw" }""");
        await using var without = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}" }""");

        Assert.Equal("HTTP/2 CN=resilient-proxy", await with.Client.GetStringAsync("/"));
        using var refused = await without.Client.GetAsync("/");
        Assert.Equal(HttpStatusCode.BadGateway, refused.StatusCode);
    }

    [Fact]
    public async Task A_renewed_client_certificate_is_shown_on_new_connections()
    {
        var time = new SteppedClock();
        _authority.WritePem(Issue(_authority, "first"), "client");
        await using var upstream = await StartAsync(Issue(_authority, "127.0.0.1"), clients: true, closes: true);
        await using var proxy = await ProxyAsync(
            upstream,
            $$"""{ "CaPath": "{{_authority.Path}}", "CertificatePath": "{{_authority.PathOf("client.crt")}}", "KeyPath": "{{_authority.PathOf("client.key")}}" }""",
            time);
        Assert.Equal("HTTP/1.1 CN=first", await proxy.Client.GetStringAsync("/"));

        _authority.WritePem(Issue(_authority, "second"), "client");
        time.Skip(TimeSpan.FromSeconds(3));

        Assert.Equal("HTTP/1.1 CN=second", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_reload_that_names_an_authority_that_is_missing_changes_nothing()
    {
        await using var upstream = await StartAsync(Issue(_authority, "127.0.0.1"));
        await using var proxy = await ProxyAsync(upstream, $$"""{ "CaPath": "{{_authority.Path}}" }""");

        var taken = await proxy.ReloadAsync(RunningProxy.ConfigText(Routes(upstream, "{ \"CaPath\": \"/nowhere/ca.crt\" }")));

        Assert.False(taken);
        var finding = proxy.App.Reloader.Last.Findings.Single();
        Assert.EndsWith(".Resilience.Tls.CaPath", finding.Path);
        Assert.Contains("/nowhere/ca.crt", finding.Message);
        Assert.Equal("HTTP/2", await proxy.Client.GetStringAsync("/"));
    }

    private static async Task RefusedAsync(RunningProxy proxy)
    {
        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("error=tls_certificate_error;", response.Headers.GetValues("Proxy-Status").Single());
    }

    private static Task<RunningProxy> ProxyAsync(WebApplication upstream, string tls, TimeProvider? time = null) =>
        RunningProxy.StartAsync(Routes(upstream, tls), time: time);

    private static string Routes(WebApplication upstream, string tls) => RunningProxy.OneRoute("", $"\"Resilience\": {{ \"Tls\": {tls} }}", Url(upstream));

    private static string Url(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First() + "/";

    private static async Task<WebApplication> StartAsync(
        X509Certificate2 certificate,
        bool clients = false,
        bool closes = false,
        Action<string>? onHello = null,
        Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1AndHttp2)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
        {
            endpoint.Protocols = closes ? Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1 : protocols;
            endpoint.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = context =>
                {
                    onHello?.Invoke(context.ClientHelloInfo.ServerName);
                    return new(new SslServerAuthenticationOptions
                    {
                        ServerCertificate = certificate,
                        ClientCertificateRequired = clients,
                        RemoteCertificateValidationCallback = (_, shown, _, _) => !clients || shown is not null,
                    });
                },
            });
        }));
        var app = builder.Build();
        app.Run(context =>
        {
            if (closes)
            {
                context.Response.Headers.Connection = "close";
            }

            return context.Response.WriteAsync($"{context.Request.Protocol} {context.Connection.ClientCertificate?.Subject}".TrimEnd());
        });
        await app.StartAsync();
        return app;
    }

    private X509Certificate2 Issue(TestAuthority authority, string name)
    {
        var certificate = authority.Issue(name);
        _open.Add(certificate);
        return certificate;
    }

    // The real clock, which can be put forward for what only measures.
    private sealed class SteppedClock : TimeProvider
    {
        private long _skipped;

        public void Skip(TimeSpan span) => Interlocked.Add(ref _skipped, (long)(span.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _skipped);
    }
}
