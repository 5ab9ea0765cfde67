using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ResilientProxy.Configuration;
using ResilientProxy.Http1;
using ResilientProxy.Telemetry;
using ResilientProxy.Tls;
using ResilientProxy.Values;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Forwarding;

/// <summary>A cluster's connections: the seam behind which the transport may change.</summary>
internal sealed class UpstreamClient
{
    private readonly Http1Client? _http1;

    private UpstreamClient(HttpMessageInvoker invoker, Http1Client? http1)
    {
        Invoker = invoker;
        _http1 = http1;
        UpgradeInvoker = http1 is null ? invoker : new HttpMessageInvoker(new PlainOrOther(http1, invoker));
    }

    /// <summary>The clients behind one face: for what YARP's own forwarder does by itself.</summary>
    public HttpMessageInvoker UpgradeInvoker { get; }

    /// <summary>.NET's client: for TLS and HTTP/2, and for the health checks.</summary>
    public HttpMessageInvoker Invoker { get; }

    /// <summary>Opens no connection yet.</summary>
    /// <param name="clusterId">Whose connections.</param>
    /// <param name="http">YARP's <c>HttpClient</c> settings.</param>
    /// <param name="options">The cluster's own settings.</param>
    /// <param name="time">The clock of the connect timer.</param>
    /// <param name="metrics">Counts certificates that were renewed.</param>
    /// <param name="logger">Takes why a renewed one was refused.</param>
    /// <exception cref="InvalidOperationException">A file of the cluster's <c>Tls</c> cannot be used.</exception>
    public static UpstreamClient Create(string clusterId, HttpClientConfig? http, ClusterOptions options, TimeProvider time, ProxyMetrics metrics, ILogger logger)
    {
        var tls = options.Tls is { } files ? new UpstreamTls(clusterId, files, time, metrics, logger) : null;
        var invoker = new Factory(options, time, tls).CreateClient(new ForwarderHttpClientContext { ClusterId = clusterId, NewConfig = http ?? HttpClientConfig.Empty });
        return new(invoker, IsPlain(http) ? new Http1Client(SettingsOf(http, options), time) : null);
    }

    /// <summary>Whether it speaks HTTP/1.1 itself to a destination without encryption, and takes a head as it is written.</summary>
    /// <param name="version">The version that is to be spoken.</param>
    public bool TakesHeads(Version version) => _http1 is not null && version == System.Net.HttpVersion.Version11;

    /// <summary>Sends one attempt; completes when the response's headers have arrived.</summary>
    /// <param name="message">The prepared request.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="HttpRequestException">No response came, or none that HTTP allows.</exception>
    /// <exception cref="IOException">The connection broke, or what came is no HTTP/1.1.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        _http1 is not null && Http1Client.CanSend(message) ? _http1.SendAsync(message, cancellationToken) : SendByInvokerAsync(message, cancellationToken);

    private async Task<HttpResponseMessage> SendByInvokerAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        ResponseChecks.Checked(await Invoker.SendAsync(message, cancellationToken));

    // Another proxy in between and header bytes that are not passed as they are stay with .NET's client.
    private static bool IsPlain(HttpClientConfig? http) => http is null or { WebProxy: null, RequestHeaderEncoding: null, ResponseHeaderEncoding: null };

    private static Http1Settings SettingsOf(HttpClientConfig? http, ClusterOptions options) => new()
    {
        ConnectTimeout = options.ConnectTimeout,
        MaxConnections = http?.MaxConnectionsPerServer ?? int.MaxValue,
        MaxHeadBytes = (options.MaxResponseHeaderBytes + 1023) / 1024 * 1024, // as the other client, which counts in KiB
    };

    private sealed class PlainOrOther(Http1Client plain, HttpMessageInvoker other) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Http1Client.CanSend(request) ? plain.SendAsync(request, cancellationToken) : other.SendAsync(request, cancellationToken);
    }

    // YARP's factory applies the cluster's HttpClient settings; what follows is what a proxy needs besides.
    private sealed class Factory(ClusterOptions options, TimeProvider time, UpstreamTls? tls) : ForwarderHttpClientFactory(NullLogger<ForwarderHttpClientFactory>.Instance)
    {
        private SslClientAuthenticationOptions? _ssl;

        protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
        {
            base.ConfigureHandler(context, handler);
            handler.ConnectTimeout = options.ConnectTimeout;
            handler.MaxResponseHeadersLength = (options.MaxResponseHeaderBytes + 1023) / 1024; // it counts in KiB
            handler.ConnectCallback = ConnectAsync;
            handler.PlaintextStreamFilter = static (filter, _) => ValueTask.FromResult<Stream>(
                filter.NegotiatedHttpVersion.Major == 1 ? new ResponseGuardStream(filter.PlaintextStream) : filter.PlaintextStream);
            handler.ActivityHeadersPropagator = null; // traceparent is written with the other forwarded headers

            // A connection that is seldom older than its peer's patience is seldom found dead: fresh ones every few minutes (spread out, so
            // that they are not all renewed at once), idle ones not for long, and a ping where only a silent stream is left.
            handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5) * (0.9 + (0.2 * Random.Shared.NextDouble()));
            handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(50);
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;

            // Header bytes pass as they are: Latin-1 maps every byte to itself (RFC 9110 section 5.5, obs-text).
            handler.RequestHeaderEncodingSelector ??= static (_, _) => Encoding.Latin1;
            handler.ResponseHeaderEncodingSelector ??= static (_, _) => Encoding.Latin1;
            handler.SslOptions.RemoteCertificateValidationCallback ??= static (_, _, _, errors) =>
                errors == SslPolicyErrors.None ? true : throw new UpstreamCertificateException(errors);
            _ssl = handler.SslOptions;
        }

        private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            using var timer = new CancellationTokenSource(options.ConnectTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
            DescriptorReserve.ThrowIfTouched();
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(context.DnsEndPoint, either.Token);
                var stream = new NetworkStream(socket, ownsSocket: true);
                return tls is not null && context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttps
                    ? await tls.AuthenticateAsync(stream, context, _ssl!, either.Token)
                    : stream;
            }
            catch (OperationCanceledException) when (timer.IsCancellationRequested)
            {
                socket.Dispose();
                throw new TimeoutException($"No connection to {context.DnsEndPoint} within {options.ConnectTimeout}.");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // By the handler's own timer, or the request's end: the handler knows its own token only.
                socket.Dispose();
                throw new OperationCanceledException(cancellationToken);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}

/// <summary>The upstream's certificate was not accepted.</summary>
/// <param name="errors">What is wrong with it.</param>
internal sealed class UpstreamCertificateException(SslPolicyErrors errors)
    : AuthenticationException($"The upstream's certificate was refused: {errors}.");
