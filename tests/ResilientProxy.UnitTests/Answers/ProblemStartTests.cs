using System.Text.Json;
using ResilientProxy.Errors;

namespace ResilientProxy.UnitTests.Answers;

public class ProblemStartTests
{
    [Theory]
    [InlineData("orders")]
    [InlineData("")]
    [InlineData("a \"quoted\" \\ name\u0001 with <tags> and \u00e9\u4e16\ud83d\ude00")]
    public void Every_route_name_gives_a_whole_document(string route)
    {
        var facts = new ErrorFacts(route, int.MaxValue, "0123456789abcdef0123456789abcdef");
        var error = ProxyError.RateLimited;
        var buffer = new byte[error.Problem.MaxLength(facts)];

        var length = error.Problem.Write(buffer, facts);

        using var document = JsonDocument.Parse(buffer.AsMemory(0, length));
        var root = document.RootElement;
        Assert.Equal(
            ["status", "title", "detail", "reason", "route", "attempts", "traceId"], root.EnumerateObject().Select(member => member.Name));
        Assert.Equal(429, root.GetProperty("status").GetInt32());
        Assert.Equal(error.Title, root.GetProperty("title").GetString());
        Assert.Equal(error.Detail, root.GetProperty("detail").GetString());
        Assert.Equal(error.Word, root.GetProperty("reason").GetString());
        Assert.Equal(route, root.GetProperty("route").GetString());
        Assert.Equal(int.MaxValue, root.GetProperty("attempts").GetInt32());
        Assert.Equal(facts.TraceId, root.GetProperty("traceId").GetString());
    }
}
