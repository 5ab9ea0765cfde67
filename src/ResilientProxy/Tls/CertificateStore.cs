using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ResilientProxy.Telemetry;

namespace ResilientProxy.Tls;

/// <summary>
/// The certificates of the listeners and the authorities of their clients. Files are looked at every few seconds: a changed one serves the
/// handshakes from then on, open connections go on with what they began with, and a bad one changes nothing but a log line and a counter.
/// </summary>
internal sealed partial class CertificateStore : IDisposable
{
    /// <summary>How often the files are looked at.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly List<(string Name, Func<(bool Taken, string? Error)?> Refresh)> _watched = [];
    private readonly List<(string Endpoint, Func<DateTime> Expiry)> _certificates = [];
    private readonly ProxyMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ITimer _poll;

    /// <summary>Begins to look.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">Takes expiry and reloads.</param>
    /// <param name="logger">The log.</param>
    public CertificateStore(TimeProvider time, ProxyMetrics metrics, ILogger<CertificateStore> logger)
    {
        _metrics = metrics;
        _logger = logger;
        metrics.CertificateExpiry.ObserveWith(Expiries);
        _poll = time.CreateTimer(_ => Refresh(), null, PollInterval, PollInterval);
    }

    /// <summary>Reads a listener's certificate and keeps it fresh.</summary>
    /// <param name="endpoint">The listener, with the host name behind a slash where it has several certificates: a metric's label.</param>
    /// <param name="source">Where it comes from.</param>
    /// <returns>The certificate as it is at the moment.</returns>
    /// <exception cref="InvalidOperationException">It cannot be read.</exception>
    public Func<SslStreamCertificateContext> Add(string endpoint, CertificateSource source)
    {
        var watched = new WatchedFiles<SslStreamCertificateContext>([.. source.Files], () => ContextOf(source.Load()));
        lock (_lock)
        {
            _watched.Add((endpoint, watched.Refresh));
            _certificates.Add((endpoint, () => watched.Current.TargetCertificate.NotAfter));
        }

        return () => watched.Current;
    }

    /// <summary>Reads the authorities of a listener's clients and keeps them fresh.</summary>
    /// <param name="endpoint">The listener.</param>
    /// <param name="path">The bundle.</param>
    /// <returns>The trust as it is at the moment; to be cloned for use.</returns>
    /// <exception cref="InvalidOperationException">It cannot be read.</exception>
    public Func<X509ChainPolicy> AddAuthorities(string endpoint, string path)
    {
        var watched = new WatchedFiles<X509ChainPolicy>([path], () => TlsFiles.TrustOnly(TlsFiles.ReadAuthorities(path)));
        lock (_lock)
        {
            _watched.Add((endpoint, watched.Refresh));
        }

        return () => watched.Current;
    }

    /// <inheritdoc/>
    public void Dispose() => _poll.Dispose();

    /// <summary>A certificate as TLS takes it: with what leads to its root, and without asking anybody over the network.</summary>
    /// <param name="chain">The certificate, then the authorities between it and the root.</param>
    public static SslStreamCertificateContext ContextOf(X509Certificate2[] chain) =>
        SslStreamCertificateContext.Create(chain[0], [.. chain[1..]], offline: true);

    private void Refresh()
    {
        lock (_lock)
        {
            foreach (var (name, refresh) in _watched)
            {
                switch (refresh())
                {
                    case (true, _):
                        _metrics.CertificateReloaded(name, successful: true);
                        Log.Reloaded(_logger, name);
                        break;
                    case (false, var error):
                        _metrics.CertificateReloaded(name, successful: false);
                        Log.Refused(_logger, name, error);
                        break;
                }
            }
        }
    }

    private List<Observation> Expiries()
    {
        lock (_lock)
        {
            return [.. _certificates.Select(certificate =>
                new Observation((certificate.Expiry().ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds, certificate.Endpoint))];
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The certificates of {Endpoint} changed: new connections get the new ones.")]
        public static partial void Reloaded(ILogger logger, string endpoint);

        [LoggerMessage(LogLevel.Error, "The changed certificates of {Endpoint} were refused, the last good ones stay in use: {Error}")]
        public static partial void Refused(ILogger logger, string endpoint, string? error);
    }
}
