using System.Net;
using Microsoft.AspNetCore.Http;
using ResilientProxy.Forwarding;
using ResilientProxy.TestSupport;

namespace ResilientProxy.IntegrationTests;

/// <summary>Fields that go on without header objects are the same fields.</summary>
public class PlainFieldsTests
{
    [Theory]
    [InlineData("Content-Length: 2\r\n", "ok")]
    [InlineData("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n", "ok")]
    [InlineData("Content-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\n", "ok")]
    [InlineData("Content-Length: 2\r\nConnection: close\r\nClose: 1\r\n", "ok")]
    [InlineData("Content-Length: 2\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Empty:\r\nX-Twice: 1\r\nX-Twice: 2\r\n", "ok")]
    [InlineData("Content-Length: 2\r\nContent-Type: text/plain\r\nContent-Language: de\r\nExpires: 0\r\nLast-Modified: x\r\nAllow: GET\r\nVary: a\r\n", "ok")]
    [InlineData("Content-Length: 2\r\nAlt-Svc: clear\r\nProxy-Authenticate: Basic\r\nTE: x\r\nUpgrade: h2c\r\nServer: s\r\n", "ok")]
    [InlineData("Content-Length: 2\r\nProxy-Status: other; received-status=200\r\ngrpc-status: 0\r\n", "ok")]
    public async Task An_answer_is_the_same_with_and_without_a_transform_that_might_look_at_it(string fields, string body)
    {
        await using var upstream = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { Length: > 0 })
            {
                await connection.SendAsync($"HTTP/1.1 200 OK\r\n{fields}\r\n{body}");
            }
        });
        await using var proxy = await RunningProxy.StartAsync($$"""
            {
              "Routes": {
                "plain": { "ClusterId": "c", "Match": { "Path": "/plain" } },
                "looked-at": { "ClusterId": "c", "Match": { "Path": "/looked-at" }, "Transforms": [ { "ResponseHeadersCopy": "true" } ] }
              },
              "Clusters": { "c": { "Destinations": { "a": { "Address": "{{upstream.Url}}" } } } }
            }
            """);

        Assert.Equal(await SeenAsync(proxy, "/looked-at"), await SeenAsync(proxy, "/plain"));
    }

    [Fact]
    public void What_stands_in_the_clients_headers_already_stays()
    {
        var headers = new HeaderDictionary { ["X-Both"] = "ours", ["Strict-Transport-Security"] = "ours" };

        PlainFields.Copy([new() { Name = "x-both", Value = "theirs" }, new() { Name = "Strict-Transport-Security", Value = "theirs" }, new() { Name = "X-New", Value = "" }], headers);

        Assert.Equal("ours,theirs", headers["X-Both"].ToString());
        Assert.Equal("ours", headers["Strict-Transport-Security"]);
        Assert.True(headers.ContainsKey("X-New"));
    }

    private static async Task<string> SeenAsync(RunningProxy proxy, string path)
    {
        using var response = await proxy.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return string.Join('\n', response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated)
            .Where(field => field.Key != "Date") // the server's own, where there is none
            .Select(field => $"{field.Key}: {string.Join(" | ", field.Value)}")
            .Order(StringComparer.OrdinalIgnoreCase)
            .Append(await response.Content.ReadAsStringAsync()));
    }
}
