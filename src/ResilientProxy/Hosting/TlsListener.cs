using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using ResilientProxy.Configuration.Kestrel;
using ResilientProxy.Tls;

namespace ResilientProxy.Hosting;

/// <summary>One https listener: which certificate it shows to whom, and which certificates of clients it takes, as of the moment of each handshake.</summary>
internal sealed class TlsListener
{
    private const string Everybody = "*";

    private readonly Dictionary<string, Answer> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(string Suffix, Answer Answer)> _bySuffix = [];
    private readonly Answer? _default;

    /// <summary>Reads the certificates.</summary>
    /// <param name="name">The endpoint's name.</param>
    /// <param name="endpoint">Its settings.</param>
    /// <param name="section">The defaults of all endpoints.</param>
    /// <param name="certificates">Keeps the certificates fresh.</param>
    /// <exception cref="InvalidOperationException">A certificate cannot be read.</exception>
    public TlsListener(string name, KestrelEndpoint endpoint, KestrelSection section, CertificateStore certificates)
    {
        var own = new Settings(
            endpoint.Certificate ?? section.DefaultCertificate,
            endpoint.SslProtocols ?? section.EndpointDefaults?.SslProtocols ?? KestrelSection.DefaultSslProtocols,
            endpoint.ClientCertificateMode ?? section.EndpointDefaults?.ClientCertificateMode ?? ClientCertificateMode.NoCertificate,
            endpoint.ClientCertificateAuthority ?? section.EndpointDefaults?.ClientCertificateAuthority,
            Protocols: null); // the listener's: the server knows them
        _default = own.Certificate is null ? null : AnswerOf(name, own, certificates);

        foreach (var (host, sni) in endpoint.Sni ?? new Dictionary<string, KestrelEndpointDefaults>())
        {
            var answer = AnswerOf($"{name}/{host}", new(
                sni.Certificate ?? own.Certificate,
                sni.SslProtocols ?? own.SslProtocols,
                sni.ClientCertificateMode ?? own.Mode,
                sni.ClientCertificateAuthority ?? own.Authority,
                sni.Protocols), certificates);
            if (host == Everybody)
            {
                _default = answer;
            }
            else if (host.StartsWith("*.", StringComparison.Ordinal))
            {
                _bySuffix.Add((host[1..], answer));
            }
            else
            {
                _byName.Add(host, answer);
            }
        }

        _bySuffix.Sort(static (a, b) => b.Suffix.Length - a.Suffix.Length); // the nearest first
    }

    /// <summary>What one handshake is answered with.</summary>
    /// <param name="context">The handshake.</param>
    public ValueTask<SslServerAuthenticationOptions> SelectAsync(TlsHandshakeCallbackContext context)
    {
        var name = context.ClientHelloInfo.ServerName;
        var answer = Choose(name) ?? throw new AuthenticationException($"There is no certificate for \"{name}\".");
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = answer.Certificate(),
            EnabledSslProtocols = answer.SslProtocols,
            AllowRenegotiation = false, // RFC 9113 section 9.2.1
            ApplicationProtocols = answer.Protocols,
        };
        if (answer.Mode != ClientCertificateMode.NoCertificate)
        {
            options.ClientCertificateRequired = true; // it is asked for; the callback says whether it must come
            options.CertificateChainPolicy = answer.Authorities?.Invoke().Clone();
            options.RemoteCertificateValidationCallback = answer.Mode == ClientCertificateMode.RequireCertificate
                ? static (_, certificate, _, errors) => certificate is not null && errors == SslPolicyErrors.None
                : static (_, certificate, _, errors) => certificate is null || errors == SslPolicyErrors.None;
        }

        return ValueTask.FromResult(options);
    }

    private Answer? Choose(string name)
    {
        if (_byName.TryGetValue(name, out var answer))
        {
            return answer;
        }

        foreach (var (suffix, wild) in _bySuffix)
        {
            if (name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                return wild;
            }
        }

        return _default;
    }

    private static Answer AnswerOf(string name, Settings settings, CertificateStore certificates) => new(
        certificates.Add(name, SourceOf(settings.Certificate!)),
        settings.SslProtocols,
        settings.Mode,
        settings is { Mode: not ClientCertificateMode.NoCertificate, Authority: { } authority } ? certificates.AddAuthorities(name, authority.Path) : null,
        settings.Protocols switch
        {
            HttpProtocols.Http1 => [SslApplicationProtocol.Http11],
            HttpProtocols.Http2 => [SslApplicationProtocol.Http2],
            HttpProtocols.Http1AndHttp2 => [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            _ => null,
        });

    private static CertificateSource SourceOf(KestrelCertificate certificate) => new()
    {
        Path = certificate.Path,
        KeyPath = certificate.KeyPath,
        Password = certificate.Password,
        Subject = certificate.Subject,
        Store = certificate.Store,
        Location = Enum.TryParse<StoreLocation>(certificate.Location, ignoreCase: true, out var location) ? location : StoreLocation.CurrentUser,
        AllowInvalid = certificate.AllowInvalid == true,
    };

    private sealed record Settings(
        KestrelCertificate? Certificate, SslProtocols SslProtocols, ClientCertificateMode Mode, KestrelClientAuthority? Authority, HttpProtocols? Protocols);

    private sealed record Answer(
        Func<SslStreamCertificateContext> Certificate,
        SslProtocols SslProtocols,
        ClientCertificateMode Mode,
        Func<X509ChainPolicy>? Authorities,
        List<SslApplicationProtocol>? Protocols);
}
