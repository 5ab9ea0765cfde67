using Microsoft.AspNetCore.DataProtection;

namespace ResilientProxy.Hosting;

/// <summary>What encrypts affinity cookies: keys that live as long as the process and are made for the first cookie.</summary>
/// <remarks>
/// Nothing is written to a disk that may be read-only, and a proxy without affinity loads no cryptography for it, which is some megabytes.
/// </remarks>
internal sealed class LateDataProtection : IDataProtectionProvider
{
    private readonly Lazy<IDataProtectionProvider> _keys = new(static () => new EphemeralDataProtectionProvider());

    /// <inheritdoc/>
    public IDataProtector CreateProtector(string purpose) => new Protector(() => _keys.Value.CreateProtector(purpose));

    private sealed class Protector(Func<IDataProtector> make) : IDataProtector
    {
        private readonly Lazy<IDataProtector> _made = new(make);

        public IDataProtector CreateProtector(string purpose) => new Protector(() => _made.Value.CreateProtector(purpose));

        public byte[] Protect(byte[] plaintext) => _made.Value.Protect(plaintext);

        public byte[] Unprotect(byte[] protectedData) => _made.Value.Unprotect(protectedData);
    }
}
