using ResilientProxy.Configuration;

namespace ResilientProxy.UnitTests.Configuration;

public class TlsSampleTests
{
    [Fact]
    public void The_tls_sample_wants_nothing_but_its_certificates()
    {
        var findings = ConfigFile.Load(Path.Combine(SchemaTests.RepositoryRoot(), "config/tls/gateway.json"), [], []).Findings;

        Assert.NotEmpty(findings);
        Assert.All(findings, finding => Assert.Contains("the file cannot be read", finding.Message));
    }
}
