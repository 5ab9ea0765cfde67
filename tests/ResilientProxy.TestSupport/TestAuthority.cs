using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ResilientProxy.TestSupport;

/// <summary>A certificate authority of one test, with the files it writes.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-proxy-ca-");
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private byte _serial;

    /// <summary>Makes one.</summary>
    /// <param name="name">Its name.</param>
    public TestAuthority(string name = "Test Authority")
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _certificate = request.CreateSelfSigned(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Path = Write("ca.crt", _certificate.ExportCertificatePem());
    }

    /// <summary>The PEM file with its own certificate.</summary>
    public string Path { get; }

    /// <summary>Signs a certificate.</summary>
    /// <param name="name">Whom for: the subject and the only DNS name.</param>
    /// <param name="notAfter">Until when; 2090 where nothing is said.</param>
    public X509Certificate2 Issue(string name, DateTimeOffset? notAfter = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var bare = request.Create(_certificate, new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), notAfter ?? new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero), [7, ++_serial]);
        using var whole = bare.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    /// <summary>Writes a certificate and its key as two PEM files.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="file">The files' name without extension; an existing pair is replaced.</param>
    /// <returns>The <c>Certificate</c> object of the config.</returns>
    public string WritePem(X509Certificate2 certificate, string file)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        var keyPath = Write(file + ".key", key.ExportPkcs8PrivateKeyPem());
        return $$"""{ "Path": "{{Write(file + ".crt", certificate.ExportCertificatePem())}}", "KeyPath": "{{keyPath}}" }""";
    }

    /// <summary>Writes a certificate with its key as PKCS #12.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="file">The file's name.</param>
    /// <param name="password">The password.</param>
    /// <returns>The file.</returns>
    public string WritePfx(X509Certificate2 certificate, string file, string password)
    {
        var path = PathOf(file);
        File.WriteAllBytes(path, certificate.Export(X509ContentType.Pkcs12, password));
        return path;
    }

    /// <summary>Writes a file into the authority's folder.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="text">Its text.</param>
    public string Write(string file, string text)
    {
        File.WriteAllText(PathOf(file), text);
        return PathOf(file);
    }

    /// <summary>Where a file of the folder is.</summary>
    /// <param name="file">Its name.</param>
    public string PathOf(string file) => System.IO.Path.Combine(_folder.FullName, file);

    /// <summary>Whether a certificate was signed by this authority, as a client checks it.</summary>
    /// <param name="certificate">The certificate.</param>
    public bool HasSigned(X509Certificate? certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return certificate is X509Certificate2 shown && chain.Build(shown);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
        _folder.Delete(recursive: true);
    }
}
