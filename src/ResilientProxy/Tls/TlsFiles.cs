using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ResilientProxy.Tls;

/// <summary>Reads what TLS needs from files.</summary>
internal static class TlsFiles
{
    // A bundle of every public authority is a quarter of this.
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Whether an exception says that a file cannot be used, and not that this program is wrong.</summary>
    /// <param name="error">What was thrown.</param>
    public static bool IsReadFailure(Exception error) =>
        error is IOException or UnauthorizedAccessException or CryptographicException or InvalidOperationException or ArgumentException or InvalidDataException;

    /// <summary>Reads a file that must be small.</summary>
    /// <param name="path">The file.</param>
    public static byte[] Read(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[MaxBytes + 1];
        var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return count > MaxBytes ? throw new InvalidDataException("it is larger than 1MiB") : bytes[..count];
    }

    /// <summary>Whether a file's bytes are PEM.</summary>
    /// <param name="bytes">The bytes.</param>
    public static bool IsPem(ReadOnlySpan<byte> bytes) => bytes.IndexOf("-----BEGIN "u8) >= 0;

    /// <summary>A PEM file's text.</summary>
    /// <param name="bytes">The bytes.</param>
    public static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>Reads a bundle of authorities.</summary>
    /// <param name="path">A PEM file of certificates, or a single one in DER.</param>
    /// <exception cref="InvalidOperationException">It cannot be read, or holds none.</exception>
    public static X509Certificate2Collection ReadAuthorities(string path)
    {
        try
        {
            var bytes = Read(path);
            var authorities = new X509Certificate2Collection();
            if (IsPem(bytes))
            {
                authorities.ImportFromPem(Text(bytes));
            }
            else
            {
                authorities.Add(X509CertificateLoader.LoadCertificate(bytes));
            }

            return authorities.Count > 0 ? authorities : throw new InvalidOperationException("it holds no certificate");
        }
        catch (Exception error) when (IsReadFailure(error))
        {
            throw new InvalidOperationException($"the authorities {path} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>Trust in these authorities and in no other.</summary>
    /// <param name="authorities">The authorities: the roots, and what lies between them and the certificates where peers do not send it.</param>
    public static X509ChainPolicy TrustOnly(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
