using ResilientProxy.ProtocolTests.Cases;

namespace ResilientProxy.ProtocolTests;

public class Http1Tests(ProxyFixture fixture) : IClassFixture<ProxyFixture>
{
    public static TheoryData<CaseName> Names => [.. ProtocolCases.All.Keys.Select(name => new CaseName(name))];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task As_the_protocol_says(CaseName test)
    {
        var complaints = await fixture.Runner.RunAsync(ProtocolCases.All[test.Name]);

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }
}
