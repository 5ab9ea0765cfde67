namespace ResilientProxy.Tls;

/// <summary>How the https destinations of a cluster are known, and how the proxy makes itself known to them: the cluster's <c>Tls</c> object.</summary>
internal sealed record UpstreamTlsOptions
{
    /// <summary>A PEM file with the only authorities that are trusted for these destinations; the system's where nothing is said.</summary>
    public string? CaPath { get; init; }

    /// <summary>The file of the certificate that is shown to a destination that asks for one: PEM or PKCS #12.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>The PEM file of its private key, where it is not in the certificate's file.</summary>
    public string? KeyPath { get; init; }

    /// <summary>The password of the key or of the PKCS #12 file; better given by a reference.</summary>
    public string? Password { get; init; }

    /// <summary>The name asked for (SNI) and looked for in the destination's certificate; the host of the address where nothing is said.</summary>
    public string? ServerName { get; init; }
}
