using System.Net;
using ResilientProxy.ProtocolTests.Wire;

namespace ResilientProxy.ProtocolTests.Cases;

/// <summary>Runs cases against a proxy, whichever it is, that forwards everything to a recording upstream.</summary>
/// <param name="proxy">Where the proxy listens.</param>
/// <param name="upstream">Where it forwards to.</param>
/// <param name="bound">How long a case may take; 7 s where nothing is said.</param>
internal sealed class CaseRunner(IPEndPoint proxy, RecordingUpstream upstream, TimeSpan? bound = null)
{

    /// <summary>Runs one; no other may run at the same time.</summary>
    /// <param name="test">The case.</param>
    /// <returns>What is not as it must be; empty where all is well.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(ProtocolCase test)
    {
        var recording = upstream.Begin(test.Answer);
        var complaints = new List<string>();
        using var client = await WireClient.ConnectAsync(proxy, bound);
        try
        {
            await client.SendAsync(test.Request);
            if (test.HalfClose)
            {
                client.HalfClose();
            }

            var responses = await ReadAsync(client, test);
            await JudgeConnectionAsync(client, test, responses, complaints);
            await Task.WhenAll(recording.Requests.Select(request => request.Ended)).WaitAsync(bound ?? WireClient.Bound);
            JudgeClient(test, responses, complaints);
            JudgeUpstream(test, recording, responses, complaints);
        }
        catch (TimeoutException hung)
        {
            complaints.Add(hung.Message);
        }

        return complaints;
    }

    private static async Task<List<WireResponse>> ReadAsync(WireClient client, ProtocolCase test)
    {
        var responses = new List<WireResponse>();
        var final = 0;
        while (final < test.Responses && await client.ReadAsync(test.ToHead.Contains(final)) is { } response)
        {
            responses.Add(response);
            if (response.Flaw is not null || !response.IsWhole)
            {
                break;
            }

            final += response.IsFinal ? 1 : 0;
        }

        return responses;
    }

    // A connection that is out of step gives the sentinel another request's answer, or takes it for the rest of a body.
    private static async Task JudgeConnectionAsync(WireClient client, ProtocolCase test, List<WireResponse> responses, List<string> complaints)
    {
        var status = responses.LastOrDefault()?.Status ?? ProtocolCase.NoResponse;
        if (test.Afterwards == Afterwards.Closes && !test.Status.Contains(status))
        {
            return; // served where it had to be refused: that is said below, and there is no close to wait for
        }

        if (test.HalfClose || test.Afterwards == Afterwards.Closes)
        {
            await client.UntilClosedAsync();
            if (client.Rest.Length > 0)
            {
                complaints.Add($"after the responses came '{client.Rest}'");
            }

            return;
        }

        if (client.Closed || responses.LastOrDefault() is not { IsWhole: true, Flaw: null })
        {
            if (test.Afterwards == Afterwards.StaysOpen)
            {
                complaints.Add("the connection was closed");
            }

            return;
        }

        await client.SendAsync($"GET {RecordingUpstream.Sentinel} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var sentinel = await client.ReadAsync(toHead: false);
        if (test.Answer is { End: not AnswerEnd.Open } && sentinel is { Status: 502, IsWhole: true })
        {
            return; // the proxy had not yet seen the upstream close when it took the connection again: an honest answer, and in step
        }

        if (sentinel is null ? test.Afterwards == Afterwards.StaysOpen : sentinel is not { Status: 200, Body: RecordingUpstream.SentinelBody })
        {
            complaints.Add($"a further request got {(sentinel is null ? "a closed connection" : $"{sentinel.Status} '{sentinel.Body}'")}");
        }
    }

    private static void JudgeClient(ProtocolCase test, List<WireResponse> responses, List<string> complaints)
    {
        complaints.AddRange(responses.Select(response => response.Flaw).OfType<string>().Select(flaw => $"the client got {flaw}"));
        var last = responses.LastOrDefault(response => response.IsFinal);
        var status = last?.Status ?? ProtocolCase.NoResponse;
        var isRefusal = test.CutOff && last is { IsWhole: true, Status: 502 or 504 };
        if (!isRefusal && !test.Status.Contains(status))
        {
            complaints.Add($"the client got {status}, not {string.Join(" or ", test.Status)}");
        }

        var final = responses.Count(response => response.IsFinal);
        if (final != test.Responses && status != ProtocolCase.NoResponse)
        {
            complaints.Add($"{final} responses came, not {test.Responses}");
        }

        if (last is { IsWhole: false } && !test.CutOff)
        {
            complaints.Add("the response is cut off");
        }
        else if (test.CutOff && last is { IsWhole: true } && !isRefusal)
        {
            complaints.Add("a response that was cut off looks complete");
        }

        if (test.ClientBody is { } body && last is not null && last.Body != body)
        {
            complaints.Add($"the response's body is '{Short(last.Body)}', not '{Short(body)}'");
        }

        var all = string.Concat(responses.Select(response =>
            response.Head.StartLine + "\r\n" + string.Concat(response.Head.Fields.Select(field => $"{field.Key}: {field.Value}\r\n")) + response.Body + response.Trailers));
        Search("the client", all, test.ClientHas, test.ClientLacks, complaints);
    }

    private static void JudgeUpstream(ProtocolCase test, Recording recording, List<WireResponse> responses, List<string> complaints)
    {
        complaints.AddRange(recording.Flaws.Select(flaw => $"the upstream got {flaw}"));
        var whole = recording.Requests.Count(request => request.IsWhole);
        var refused = test.MayBeRefused && responses.LastOrDefault() is null or { Status: >= 400 };
        if (whole != test.Reach && !(refused && whole < test.Reach))
        {
            complaints.Add($"{whole} whole requests reached the upstream, not {test.Reach}: {string.Join("; ", recording.Requests)}");
        }

        if (recording.Requests.Any(request => request.Target.Contains("smuggled", StringComparison.Ordinal)))
        {
            complaints.Add("a request was smuggled");
        }

        var all = string.Concat(recording.Requests.Select(request => request.RawHead + request.Body + request.Trailers));
        if (whole > 0 || !refused)
        {
            Search("the upstream", all, test.UpstreamHas, test.UpstreamLacks, complaints);
        }

        if (test.UpstreamBody is { } body && whole > 0 && recording.Requests.Last().Body != body)
        {
            complaints.Add($"the request's body at the upstream is '{Short(recording.Requests.Last().Body)}', not '{Short(body)}'");
        }
    }

    private static void Search(string who, string text, IReadOnlyList<string> has, IReadOnlyList<string> lacks, List<string> complaints)
    {
        complaints.AddRange(has.Where(part => !text.Contains(part, StringComparison.OrdinalIgnoreCase)).Select(part => $"{who} did not get '{Short(part)}'"));
        complaints.AddRange(lacks.Where(part => text.Contains(part, StringComparison.OrdinalIgnoreCase)).Select(part => $"{who} got '{Short(part)}'"));
    }

    private static string Short(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
