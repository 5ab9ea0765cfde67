using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using ResilientProxy.Hosting;

namespace ResilientProxy.UnitTests.Hosting;

public class LateDataProtectionTests
{
    [Fact]
    public void What_a_protector_has_encrypted_one_of_the_same_purpose_reads_and_one_of_another_does_not()
    {
        var protection = new LateDataProtection();
        var sealedText = protection.CreateProtector("cookies", "v1").Protect("destination a");

        Assert.NotEqual("destination a", sealedText);
        Assert.Equal("destination a", protection.CreateProtector("cookies", "v1").Unprotect(sealedText));
        Assert.Throws<CryptographicException>(() => protection.CreateProtector("cookies", "v2").Unprotect(sealedText));
    }
}
