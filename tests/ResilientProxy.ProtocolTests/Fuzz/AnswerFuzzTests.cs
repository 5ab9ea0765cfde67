using System.Text;
using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Wire;
using ResilientProxy.TestSupport.Fuzz;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>Whatever bytes an upstream answers, the client gets what it can read, never less than the whole of what it is told is whole, and never another's.</summary>
public class AnswerFuzzTests(FuzzProxy proxy) : IClassFixture<FuzzProxy>
{
    private const string Kind = "answers";
    private const int Share = 2000;

    // What the proxy or the server under it writes into a response of its own accord.
    private static readonly HashSet<string> Own = new(StringComparer.OrdinalIgnoreCase)
    {
        "Date", "Proxy-Status", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Retry-After",
    };

    public static TheoryData<CaseName> Kept => [.. Corpus.Names(Kind).Select(name => new CaseName(name))];

    [Fact]
    public Task No_bytes_of_an_upstream_make_a_client_believe_in_less_than_the_whole() =>
        proxy.RunAsync(
            Share,
            ExchangeAsync,
            static _ => { },
            number => Keep(new WireCase(number, System.Net.IPAddress.Loopback, FuzzPlan.Of(number))));

    /// <summary>The file's name says how the connection ends: "….close.bin", "….reset.bin" or "….open.bin", with "head" before it for the answer to a HEAD.</summary>
    [Theory]
    [MemberData(nameof(Kept))]
    public async Task A_kept_case_holds(CaseName name)
    {
        var parts = name.Name.Split('.');
        var answer = new UpstreamAnswer(Encoding.Latin1.GetString(Corpus.Read(Kind, name.Name)), Enum.Parse<AnswerEnd>(parts[^2], ignoreCase: true));

        Assert.Null(await proxy.RunOneAsync(test => ExchangeAsync(test, parts.Contains("head"), answer), static _ => { }));
    }

    private static (bool ToHead, UpstreamAnswer Answer) Next(WireCase test)
    {
        var toHead = test.Random.Next(8) == 0;
        return (toHead, AnswerGenerator.Next(test.Random, test.Mark, toHead));
    }

    private static string Keep(WireCase test)
    {
        var (toHead, answer) = Next(test);
        return Corpus.HowToKeep(Kind, toHead ? "case.head" : "case", $".{(answer.End == AnswerEnd.Reset ? "reset" : "close")}.bin", Encoding.Latin1.GetBytes(answer.Text));
    }

    private Task ExchangeAsync(WireCase test)
    {
        var (toHead, answer) = Next(test);
        return ExchangeAsync(test, toHead, answer);
    }

    private async Task ExchangeAsync(WireCase test, bool toHead, UpstreamAnswer answer)
    {
        var expected = AnswerOracle.Read(answer.Text, toHead, inOrder: answer.End == AnswerEnd.Close);
        var mustCome = expected.IsStrict && answer.End != AnswerEnd.Reset;
        proxy.Upstream.Begin(test.Client, answer);
        using var client = await WireClient.ConnectAsync(proxy.EndPoint, from: test.Client);
        await client.SendAsync($"{(toHead ? "HEAD" : "GET")} /case HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var response = await ReadFinalAsync();

        // An upstream that closes without a word may have closed the very connection that was just taken for this request: an honest answer. Again.
        for (var again = 0; again < 5 && mustCome && response is { IsWhole: true, Status: 502 } && response.Head.All("Proxy-Status").Any(value => value.Contains("connection_terminated", StringComparison.Ordinal)); again++)
        {
            await client.SendAsync($"{(toHead ? "HEAD" : "GET")} /case HTTP/1.1\r\nHost: a.example\r\n\r\n");
            response = await ReadFinalAsync();
        }

        if (response is null)
        {
            Expect(!mustCome, "the client got nothing");
            return;
        }

        var isOwn = response.Status is 502 or 504 && response.Head.All("Proxy-Status").Any(value => value.StartsWith("resilient-proxy", StringComparison.Ordinal));
        Expect(response.Flaw is null, response.Flaw ?? "");
        Expect(!(mustCome && (isOwn || !response.IsWhole)), $"the answer is whole, and the client got {response.Status}{(response.IsWhole ? "" : ", cut off")}");
        if (response.IsWhole && !isOwn)
        {
            Expect(expected.Bodies.Contains(response.Body), $"the client was told that this is the whole of it: '{FuzzProxy.Short(response.Body)}'");
            Expect(!mustCome || response.Status == expected.Status, $"{expected.Status} became {response.Status}");
        }

        foreach (var (name, _) in response.Head.Fields)
        {
            Expect(Own.Contains(name) || isOwn || answer.Text.Contains(name, StringComparison.OrdinalIgnoreCase), $"a field {name} that the upstream did not send");
        }

        if (!client.Closed && response is { IsWhole: true, Flaw: null })
        {
            await FuzzProxy.ExpectInStepAsync(test, client);
        }

        async Task<WireResponse?> ReadFinalAsync()
        {
            while (true)
            {
                var next = await client.ReadAsync(toHead);
                if (next is not { IsFinal: false, IsWhole: true, Flaw: null })
                {
                    return next;
                }
            }
        }

        void Expect(bool isSo, string complaint)
        {
            if (!isSo)
            {
                test.Complaints.Enqueue($"{FuzzProxy.Short(complaint)} — of '{FuzzProxy.Short(answer.Text)}' ({answer.End})");
            }
        }
    }
}
