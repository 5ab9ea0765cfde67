using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ResilientProxy.Tls;

/// <summary>Where a certificate with its private key comes from: files, or the system's store.</summary>
internal sealed record CertificateSource
{
    /// <summary>The certificate's file; null for one of the store.</summary>
    public string? Path { get; init; }

    /// <summary>The private key's file; null where the key is in the certificate's file.</summary>
    public string? KeyPath { get; init; }

    /// <summary>The password of the key or of the PKCS #12 file.</summary>
    public string? Password { get; init; }

    /// <summary>The subject to look for in the store.</summary>
    public string? Subject { get; init; }

    /// <summary>The store's name; "My" where nothing is said.</summary>
    public string? Store { get; init; }

    /// <summary>The store's place; the current user's where nothing is said.</summary>
    public StoreLocation Location { get; init; } = StoreLocation.CurrentUser;

    /// <summary>Whether a certificate of the store is taken that cannot be verified.</summary>
    public bool AllowInvalid { get; init; }

    /// <summary>The files it is made of.</summary>
    public IEnumerable<string> Files => new[] { Path, KeyPath }.OfType<string>();

    /// <summary>Reads it.</summary>
    /// <returns>The certificate with its key first, then the authorities that lead to the root.</returns>
    /// <exception cref="InvalidOperationException">It cannot be read; the message names the file and no secret.</exception>
    public X509Certificate2[] Load()
    {
        try
        {
            return Path is null ? [CertificateLoader.LoadFromStoreCert(Subject!, Store ?? "My", Location, AllowInvalid)] : FromFiles(Path);
        }
        catch (Exception error) when (TlsFiles.IsReadFailure(error))
        {
            throw new InvalidOperationException($"the certificate {(Path is null ? $"\"{Subject}\" of the store" : $"{Path}{(KeyPath is null ? "" : $" with the key {KeyPath}")}")} cannot be used: {error.Message}", error);
        }
    }

    private X509Certificate2[] FromFiles(string path)
    {
        var bytes = TlsFiles.Read(path);
        var pem = TlsFiles.IsPem(bytes) ? TlsFiles.Text(bytes) : null;
        if (pem is null && KeyPath is null)
        {
            var all = X509CertificateLoader.LoadPkcs12Collection(bytes, Password);
            var leaf = all.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new InvalidOperationException("it holds no private key");
            return [leaf, .. all.Where(certificate => certificate != leaf)];
        }

        pem ??= X509CertificateLoader.LoadCertificate(bytes).ExportCertificatePem();
        var key = KeyPath is null ? pem : TlsFiles.Text(TlsFiles.Read(KeyPath));
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pem);
        var own = string.IsNullOrEmpty(Password) ? X509Certificate2.CreateFromPem(pem, key) : X509Certificate2.CreateFromEncryptedPem(pem, key, Password);

        // Windows' TLS takes no key that lives in memory only.
        return [OperatingSystem.IsWindows() ? X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null) : own, .. chain.Skip(1)];
    }
}
