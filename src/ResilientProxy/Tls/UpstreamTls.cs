using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Tls;

/// <summary>
/// The TLS of a cluster with a <c>Tls</c> object. The HTTP client's own takes one certificate for ever and lets nobody choose the name; here each
/// new connection takes the files as they are, and open connections stay as they were.
/// </summary>
internal sealed partial class UpstreamTls
{
    // Connections may be opened by the thousand: the disk is asked no more often than this.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly string _clusterId;
    private readonly string? _serverName;
    private readonly TimeProvider _time;
    private readonly ProxyMetrics _metrics;
    private readonly ILogger _logger;
    private readonly WatchedFiles<X509ChainPolicy>? _authorities;
    private readonly WatchedFiles<SslStreamCertificateContext>? _certificate;
    private long _lookedAt;

    /// <summary>Reads the files.</summary>
    /// <param name="clusterId">Whose connections.</param>
    /// <param name="options">The cluster's <c>Tls</c>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">Counts files that changed.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="InvalidOperationException">A file cannot be used.</exception>
    public UpstreamTls(string clusterId, UpstreamTlsOptions options, TimeProvider time, ProxyMetrics metrics, ILogger logger)
    {
        _clusterId = clusterId;
        _serverName = options.ServerName;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _lookedAt = time.GetTimestamp();
        if (options.CaPath is { } authorities)
        {
            _authorities = new([authorities], () => TlsFiles.TrustOnly(TlsFiles.ReadAuthorities(authorities)));
        }

        if (options.CertificatePath is { } path)
        {
            var source = new CertificateSource { Path = path, KeyPath = options.KeyPath, Password = options.Password };
            _certificate = new([.. source.Files], () => CertificateStore.ContextOf(source.Load()));
        }
    }

    /// <summary>Speaks TLS over a new connection.</summary>
    /// <param name="stream">The connection; closed when this fails.</param>
    /// <param name="context">What it was opened for.</param>
    /// <param name="shared">The cluster's settings that are not ours: versions and what refuses a certificate.</param>
    /// <param name="cancellationToken">Ends the handshake.</param>
    public async ValueTask<Stream> AuthenticateAsync(
        Stream stream, SocketsHttpConnectionContext context, SslClientAuthenticationOptions shared, CancellationToken cancellationToken)
    {
        LookAtFiles();
        var secure = new SslStream(stream);
        try
        {
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = _serverName ?? context.DnsEndPoint.Host,
                    ApplicationProtocols = ProtocolsOf(context.InitialRequestMessage),
                    EnabledSslProtocols = shared.EnabledSslProtocols,
                    RemoteCertificateValidationCallback = shared.RemoteCertificateValidationCallback,
                    CertificateChainPolicy = _authorities?.Current.Clone(),
                    ClientCertificateContext = _certificate?.Current,
                    AllowRenegotiation = false, // RFC 9113 section 9.2.1
                },
                cancellationToken);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

    // What the request would take: the client looks at what was agreed, and uses the connection accordingly.
    private static List<SslApplicationProtocol> ProtocolsOf(HttpRequestMessage request) => (request.Version.Major > 1, request.VersionPolicy) switch
    {
        (true, HttpVersionPolicy.RequestVersionOrLower) => [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        (true, _) => [SslApplicationProtocol.Http2],
        (false, HttpVersionPolicy.RequestVersionOrHigher) => [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        _ => [SslApplicationProtocol.Http11],
    };

    private void LookAtFiles()
    {
        lock (_lock)
        {
            if (_time.GetElapsedTime(_lookedAt) < LookInterval)
            {
                return;
            }

            _lookedAt = _time.GetTimestamp();
            Tell(_authorities?.Refresh());
            Tell(_certificate?.Refresh());
        }
    }

    private void Tell((bool Taken, string? Error)? change)
    {
        if (change is not var (taken, error))
        {
            return;
        }

        _metrics.CertificateReloaded($"cluster:{_clusterId}", taken);
        if (!taken)
        {
            Log.Refused(_logger, _clusterId, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The changed TLS files of cluster {Cluster} were refused, the last good ones stay in use: {Error}")]
        public static partial void Refused(ILogger logger, string cluster, string? error);
    }
}
