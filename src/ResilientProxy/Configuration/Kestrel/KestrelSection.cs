using System.Diagnostics.CodeAnalysis;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ResilientProxy.Configuration.Kestrel;

/// <summary>ASP.NET's own <c>Kestrel</c> section: here so that a misspelt key is found; Kestrel itself reads it again.</summary>
internal sealed record KestrelSection
{
    /// <summary>A section in which nothing was written; what is required of a file is the binder's to say.</summary>
    [SetsRequiredMembers]
    public KestrelSection()
    {
    }

    /// <summary>The TLS versions of a listener that names none.</summary>
    public const SslProtocols DefaultSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>The listeners by their names; at least one.</summary>
    public required IReadOnlyDictionary<string, KestrelEndpoint> Endpoints { get; init; } = new Dictionary<string, KestrelEndpoint>();

    /// <summary>What holds for every listener that says nothing else.</summary>
    public KestrelEndpointDefaults? EndpointDefaults { get; init; }

    /// <summary>Certificates by name; "Default" serves the https listeners without one of their own.</summary>
    public IReadOnlyDictionary<string, KestrelCertificate>? Certificates { get; init; }

    /// <summary>The certificate of the https listeners without one of their own; null where there is none.</summary>
    internal KestrelCertificate? DefaultCertificate => EndpointDefaults?.Certificate ?? Certificates?.GetValueOrDefault("Default");

    /// <summary>What one client may ask for.</summary>
    public KestrelLimits? Limits { get; init; } = new();
}

/// <summary>One listener.</summary>
internal sealed record KestrelEndpoint
{
    /// <summary>Where it listens, such as "http://0.0.0.0:8080"; "*" for every address.</summary>
    public required string Url { get; init; } = "";

    /// <summary>Whether it speaks TLS.</summary>
    internal bool IsHttps => Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    /// <summary>The HTTP versions it speaks; without TLS it is either HTTP/1 or HTTP/2, not both.</summary>
    public HttpProtocols? Protocols { get; init; }

    /// <summary>The TLS versions it takes; 1.2 and 1.3 where nothing is said.</summary>
    public SslProtocols? SslProtocols { get; init; }

    /// <summary>Whether clients must show a certificate.</summary>
    public ClientCertificateMode? ClientCertificateMode { get; init; }

    /// <summary>Who signs its clients' certificates; the authorities this machine trusts where nothing is said.</summary>
    public KestrelClientAuthority? ClientCertificateAuthority { get; init; }

    /// <summary>The certificate it shows.</summary>
    public KestrelCertificate? Certificate { get; init; }

    /// <summary>Other settings by the host name that a client asks for.</summary>
    public IReadOnlyDictionary<string, KestrelEndpointDefaults>? Sni { get; init; }
}

/// <summary>The settings of a listener that do not depend on its address.</summary>
internal sealed record KestrelEndpointDefaults
{
    /// <summary>The HTTP versions spoken; without TLS it is either HTTP/1 or HTTP/2, not both.</summary>
    public HttpProtocols? Protocols { get; init; }

    /// <summary>The TLS versions taken; 1.2 and 1.3 where nothing is said.</summary>
    public SslProtocols? SslProtocols { get; init; }

    /// <summary>Whether clients must show a certificate.</summary>
    public ClientCertificateMode? ClientCertificateMode { get; init; }

    /// <summary>Who signs the clients' certificates; the authorities this machine trusts where nothing is said.</summary>
    public KestrelClientAuthority? ClientCertificateAuthority { get; init; }

    /// <summary>The certificate shown.</summary>
    public KestrelCertificate? Certificate { get; init; }
}

/// <summary>The authorities whose clients are let in: no key of Kestrel's own, which trusts the whole machine's.</summary>
internal sealed record KestrelClientAuthority
{
    /// <summary>The PEM file of their certificates; it is read again when it changes.</summary>
    public required string Path { get; init; } = "";
}

/// <summary>A certificate, from a file or from the system's store.</summary>
internal sealed record KestrelCertificate
{
    /// <summary>The file: PEM, with what leads to the root behind it, or PKCS #12. It is read again when it changes.</summary>
    public string? Path { get; init; }

    /// <summary>The file of the private key, where it is not in the certificate's.</summary>
    public string? KeyPath { get; init; }

    /// <summary>The password of the file; better given by a reference, such as ${FILE:/run/secrets/pfx}.</summary>
    public string? Password { get; init; }

    /// <summary>The subject to look for in the store.</summary>
    public string? Subject { get; init; }

    /// <summary>The store's name, such as "My".</summary>
    public string? Store { get; init; }

    /// <summary>The store's place: "CurrentUser" or "LocalMachine".</summary>
    public string? Location { get; init; }

    /// <summary>Whether a certificate of the store is taken that cannot be verified.</summary>
    public bool? AllowInvalid { get; init; }
}
