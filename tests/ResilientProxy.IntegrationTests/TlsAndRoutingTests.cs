using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>HTTPS on both sides, affinity, and the ways a route can match.</summary>
public class TlsAndRoutingTests
{
    [Fact]
    public async Task An_https_upstream_whose_certificate_nobody_signed_is_refused_by_name()
    {
        await using var upstream = await StartHttpsAsync();
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "", Url(upstream)));

        using var response = await proxy.Client.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("error=tls_certificate_error;", response.Headers.GetValues("Proxy-Status").Single());
    }

    [Fact]
    public async Task An_https_upstream_that_is_trusted_is_spoken_to_in_http2()
    {
        await using var upstream = await StartHttpsAsync();
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", "\"HttpClient\": { \"DangerousAcceptAnyServerCertificate\": true }", Url(upstream)));

        Assert.Equal("HTTP/2", await proxy.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_https_endpoint_negotiates_http2_and_http11()
    {
        using var certificate = Certificate();
        var folder = Directory.CreateTempSubdirectory("resilient-proxy-tls-");
        var path = Path.Combine(folder.FullName, "tls.pfx");
        await File.WriteAllBytesAsync(path, certificate.Export(X509ContentType.Pfx, "pw"));
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync(context.Request.Headers["X-Forwarded-Proto"].ToString()));
        await using var proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute("", "", upstream.Url),
            endpoints: $$"""
                "Https": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "{{path}}", "Password": "pw" } }
                """);
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Subject == "CN=localhost" } });

        foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, proxy.Url) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await client.SendAsync(request);
            Assert.Equal(version, response.Version);
            Assert.Equal("https", await response.Content.ReadAsStringAsync());
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_session_stays_with_its_destination()
    {
        await using var a = await Upstream.StartAsync(context => context.Response.WriteAsync("a"));
        await using var b = await Upstream.StartAsync(context => context.Response.WriteAsync("b"));
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute(
            "", "\"LoadBalancingPolicy\": \"RoundRobin\", \"SessionAffinity\": { \"Enabled\": true, \"Policy\": \"HashCookie\", \"AffinityKeyName\": \"s\" }", a.Url, b.Url));
        using var first = await proxy.Client.GetAsync("/");
        var cookie = first.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        var home = await first.Content.ReadAsStringAsync();

        for (var i = 0; i < 6; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.Add("Cookie", cookie);
            using var response = await proxy.Client.SendAsync(request);
            Assert.Equal(home, await response.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("RoundRobin")]
    [InlineData("Random")]
    [InlineData("LeastRequests")]
    [InlineData("PowerOfTwoChoices")]
    [InlineData("PeakEwma")]
    public async Task Every_spreading_policy_reaches_every_destination(string policy)
    {
        await using var a = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var b = await Upstream.StartAsync(_ => Task.CompletedTask);
        await using var proxy = await RunningProxy.StartAsync(RunningProxy.OneRoute("", $"\"LoadBalancingPolicy\": \"{policy}\"", a.Url, b.Url));

        for (var i = 0; i < 60; i++)
        {
            await proxy.Client.GetAsync("/");
        }

        Assert.NotEmpty(a.Requests);
        Assert.NotEmpty(b.Requests);
    }

    [Fact]
    public async Task Routes_match_by_host_header_query_and_order()
    {
        await using var upstream = await Upstream.StartAsync(context => context.Response.WriteAsync(context.Request.Headers["X-Route"].ToString()));
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "host": { "ClusterId": "c", "Match": { "Hosts": [ "shop.example" ], "Path": "/x" }, "Transforms": [ { "RequestHeader": "X-Route", "Set": "host" } ] },
                "header": { "ClusterId": "c", "Order": -1, "Match": { "Path": "/x", "Headers": [ { "Name": "X-Beta", "Values": [ "1" ] } ] }, "Transforms": [ { "RequestHeader": "X-Route", "Set": "header" } ] },
                "query": { "ClusterId": "c", "Match": { "Path": "/x", "QueryParameters": [ { "Name": "v", "Values": [ "2" ] } ] }, "Transforms": [ { "RequestHeader": "X-Route", "Set": "query" } ] }
              },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } } } }
            }
            """);

        Assert.Equal("host", await GetAsync("/x", ("Host", "shop.example")));
        Assert.Equal("header", await GetAsync("/x", ("X-Beta", "1")));
        Assert.Equal("query", await GetAsync("/x?v=2", ("Accept", "*/*")));
        Assert.Equal("404", await GetAsync("/x", ("Accept", "*/*")));

        async Task<string> GetAsync(string path, (string Name, string Value) header)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation(header.Name, header.Value);
            using var response = await proxy.Client.SendAsync(request);
            return response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadAsStringAsync() : $"{(int)response.StatusCode}";
        }
    }

    private static string Url(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First() + "/";

    private static async Task<WebApplication> StartHttpsAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.UseHttps(Certificate())));
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync(context.Request.Protocol));
        await app.StartAsync();
        return app;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }
}
