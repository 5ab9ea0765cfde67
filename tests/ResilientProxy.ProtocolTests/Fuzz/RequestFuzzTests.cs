using System.Text;
using ResilientProxy.ProtocolTests.Cases;
using ResilientProxy.ProtocolTests.Wire;
using ResilientProxy.TestSupport.Fuzz;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>Whatever bytes a client sends, the upstream gets no request that the client did not frame as one, and the client an answer it can read.</summary>
public class RequestFuzzTests(FuzzProxy proxy) : IClassFixture<FuzzProxy>
{
    private const string Kind = "requests";
    private const int Share = 3000;

    // How long a connection is watched that ought to end by itself, before this side ends it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    // What the proxy adds of its own.
    private static readonly HashSet<string> Own = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "traceparent", "tracestate", "Content-Length", "Transfer-Encoding",
        "X-Attempt-Count",
    };

    public static TheoryData<CaseName> Kept => [.. Corpus.Names(Kind).Select(name => new CaseName(name))];

    [Fact]
    public Task No_bytes_of_a_client_become_a_request_it_did_not_frame() =>
        proxy.RunAsync(
            Share,
            test => ExchangeAsync(test, RequestGenerator.Next(test.Random)),
            test => JudgeUpstream(test, RequestGenerator.Next(FuzzPlan.Of(test.Number))),
            number => Corpus.HowToKeep(Kind, "case", ".bin", Encoding.Latin1.GetBytes(RequestGenerator.Next(FuzzPlan.Of(number)))));

    [Theory]
    [MemberData(nameof(Kept))]
    public async Task A_kept_case_holds(CaseName name)
    {
        var request = Encoding.Latin1.GetString(Corpus.Read(Kind, name.Name));

        Assert.Null(await proxy.RunOneAsync(test => ExchangeAsync(test, request), test => JudgeUpstream(test, request)));
    }

    private async Task ExchangeAsync(WireCase test, string request)
    {
        var expected = RequestOracle.Read(request);
        proxy.Upstream.Begin(test.Client, new($"HTTP/1.1 200 OK\r\nContent-Length: {test.Mark.Length}\r\n\r\n{test.Mark}"));
        using var client = await WireClient.ConnectAsync(proxy.EndPoint, from: test.Client);
        for (var sent = 0; sent < request.Length;)
        {
            var size = test.Random.Next(3) == 0 ? test.Random.Next(1, request.Length - sent + 1) : request.Length - sent;
            await client.SendAsync(request.Substring(sent, size));
            sent += size;
        }

        // An answer for each whole request, in order, unless one closes the connection.
        for (var answered = 0; answered < expected.Requests.Count && !client.Closed;)
        {
            if (await client.ReadAsync(toHead: expected.Requests[answered].Method == "HEAD") is not { } response)
            {
                return;
            }

            Judge(test, response, expected.Requests[answered].Method);
            if (response is not { IsWhole: true, Flaw: null })
            {
                return;
            }

            answered += response.IsFinal ? 1 : 0;
        }

        if (expected.End == StreamEnd.Clean)
        {
            if (!client.Closed)
            {
                await FuzzProxy.ExpectInStepAsync(test, client);
            }

            return;
        }

        // What is left is no whole request: it is refused, or waited for until this side gives up; then nothing more comes.
        await UntilClosedAsync(client, expected.End);
        var refusals = 0;
        while (await client.ReadAsync(toHead: expected.Partial?.Method == "HEAD") is { } response)
        {
            Judge(test, response, "");
            refusals += response.IsFinal ? 1 : 0;
            if (response is { Status: 200 } && expected.Partial?.Method is not ("OPTIONS" or "TRACE"))
            {
                test.Complaints.Enqueue($"no whole request, and it was answered {response.Status} '{FuzzProxy.Short(response.Body)}'");
            }
        }

        if (refusals > 1)
        {
            test.Complaints.Enqueue($"{refusals} answers to what is no request");
        }

        if (client.Rest.Length > 0 && !client.WasReset)
        {
            test.Complaints.Enqueue($"after the answers came '{FuzzProxy.Short(client.Rest)}'");
        }
    }

    private static async Task UntilClosedAsync(WireClient client, StreamEnd end)
    {
        var closing = client.UntilClosedAsync();
        if (end == StreamEnd.Incomplete || await Task.WhenAny(closing, Task.Delay(Patience)) != closing)
        {
            client.HalfClose();
        }

        await closing;
    }

    private static void Judge(WireCase test, WireResponse response, string method)
    {
        if (response.Flaw is not null)
        {
            test.Complaints.Enqueue($"the client got {FuzzProxy.Short(response.Flaw)}");
        }

        if (response is { Status: 200, IsWhole: true } && method is not ("HEAD" or "OPTIONS" or "TRACE" or "") && response.Body != test.Mark)
        {
            test.Complaints.Enqueue($"the client got another's answer: '{FuzzProxy.Short(response.Body)}'");
        }
    }

    private void JudgeUpstream(WireCase test, string request)
    {
        var expected = RequestOracle.Read(request);
        var recording = proxy.Upstream.Of(test.Client);
        foreach (var flaw in recording.All.Select(reached => reached.Flaw).OfType<string>())
        {
            test.Complaints.Enqueue($"the upstream got {FuzzProxy.Short(flaw)}");
        }

        // Those that reached it are some of those that were framed, in order.
        var at = 0;
        foreach (var reached in recording.Requests.Where(reached => reached.IsWhole))
        {
            var method = reached.Head.StartLine.Split(' ')[0];
            while (at < expected.Requests.Count && !(expected.Requests[at].Method == method && expected.Requests[at].Body == reached.Body))
            {
                at++;
            }

            if (at == expected.Requests.Count)
            {
                test.Complaints.Enqueue($"the upstream got '{FuzzProxy.Short(reached.RawHead + reached.Body)}', which is none of {string.Join("; ", expected.Requests.Select(one => $"{one.Method} {FuzzProxy.Short(one.Target)} ({one.Body.Length})"))}");
                return;
            }

            JudgeHead(test, expected.Requests[at++], reached);
        }

        // A request whose body breaks off has begun to reach it, and never ends there.
        var broken = recording.Requests.Where(reached => !reached.IsWhole).ToArray();
        if (broken.Length > (expected.Partial is null ? 0 : 1))
        {
            test.Complaints.Enqueue($"the upstream got {broken.Length} broken requests, such as '{FuzzProxy.Short(broken[0].RawHead)}'");
        }
    }

    private static void JudgeHead(WireCase test, FramedRequest framed, WireRequest reached)
    {
        foreach (var (name, _) in reached.Head.Fields)
        {
            if (!Own.Contains(name) && !framed.Names.Contains(name))
            {
                test.Complaints.Enqueue($"the upstream got a field {name} that the client did not send");
            }
        }

        if (reached.Target.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            test.Complaints.Enqueue($"the upstream got the target '{FuzzProxy.Short(reached.Target)}'");
        }

        // A target that is nothing but plain characters is not touched.
        if (framed.Target.StartsWith('/') && framed.Target.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '?' or '=' or '&' or '-') && reached.Target != framed.Target)
        {
            test.Complaints.Enqueue($"the target {framed.Target} became {FuzzProxy.Short(reached.Target)}");
        }
    }
}
