using System.Collections.Concurrent;
using System.Net;
using ResilientProxy.ProtocolTests.Wire;
using ResilientProxy.TestSupport;
using ResilientProxy.TestSupport.Fuzz;

namespace ResilientProxy.ProtocolTests.Fuzz;

/// <summary>One case on the wire: who sends what, and what is said of the outcome.</summary>
/// <param name="Number">Which case.</param>
/// <param name="Client">The address its client connects from; no other case of the batch has it.</param>
/// <param name="Random">Its random source.</param>
internal sealed record WireCase(int Number, IPAddress Client, Random Random)
{
    /// <summary>A mark that its answer's body carries, and no other case's.</summary>
    public string Mark => $"answer {Number};";

    /// <summary>What is wrong, from whatever part found it.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();
}

/// <summary>A proxy and its upstream that many cases use at once, and what is asked of both whatever the cases are.</summary>
public sealed class FuzzProxy : IAsyncLifetime, IAsyncDisposable
{
    private const int BatchSize = 256;
    private const int AtOnce = 8;
    private const int MostFailures = 10; // enough to see whether they are one and the same

    private FuzzUpstream? _upstream;
    private RunningProxy? _proxy;
    private int _batches;

    internal FuzzUpstream Upstream => _upstream!;

    internal IPEndPoint EndPoint => IPEndPoint.Parse(new Uri(_proxy!.Url).Authority);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _upstream = new FuzzUpstream();
        _proxy = await RunningProxy.StartAsync(
            RunningProxy.OneRoute(
                "\"Retry\": \"off\", \"Timeouts\": { \"Total\": \"4s\", \"Attempt\": \"3s\", \"Idle\": \"3s\" }",
                "\"Resilience\": { \"CircuitBreaker\": \"off\", \"Bulkhead\": \"off\" }",
                _upstream.Url),
            "\"AccessLog\": \"off\"",
            endpoints: "\"H1\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http1\" }");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await _proxy!.DisposeAsync();
        await _upstream!.DisposeAsync();
    }

    ValueTask IAsyncDisposable.DisposeAsync() => new(DisposeAsync());

    /// <summary>Runs cases in batches: within one they share the proxy's connections, as clients do.</summary>
    /// <param name="share">The fuzz's share of all cases.</param>
    /// <param name="exchange">One case's own part.</param>
    /// <param name="judge">What is asked once the batch is over and nothing moves any more.</param>
    /// <param name="keep">How a case is kept.</param>
    internal async Task RunAsync(int share, Func<WireCase, Task> exchange, Action<WireCase> judge, Func<int, string> keep)
    {
        var cases = FuzzPlan.Cases(share);
        var failures = new List<string>();
        for (var first = 0; first < cases && failures.Count < MostFailures; first += BatchSize)
        {
            var batch = Enumerable.Range(first, Math.Min(BatchSize, cases - first)).ToArray();
            if (await BatchAsync(batch, exchange, judge) is not { } complaint)
            {
                continue;
            }

            // Which one it was: what a case leaves behind may be seen by another one.
            var before = failures.Count;
            foreach (var number in batch.TakeWhile(_ => failures.Count < MostFailures))
            {
                if (await BatchAsync([number], exchange, judge) is { } alone)
                {
                    failures.Add($"{FuzzPlan.Says(number, alone)}\n{keep(number)}");
                }
            }

            if (failures.Count == before)
            {
                failures.Add($"cases {batch[0]} to {batch[^1]} together, none of them alone: {FuzzPlan.Says(batch[0], complaint)}");
            }
        }

        if (failures.Count > 0)
        {
            throw new FuzzFailedException(string.Join("\n\n", failures));
        }
    }

    /// <summary>Runs one case that is given.</summary>
    /// <param name="exchange">Its own part.</param>
    /// <param name="judge">What is asked afterwards.</param>
    /// <returns>What is wrong; null for nothing.</returns>
    internal Task<string?> RunOneAsync(Func<WireCase, Task> exchange, Action<WireCase> judge) => BatchAsync([0], exchange, judge);

    /// <summary>After its exchanges a connection that is still open gives a further request its own answer.</summary>
    /// <param name="test">The case.</param>
    /// <param name="client">Its connection.</param>
    internal static async Task ExpectInStepAsync(WireCase test, WireClient client)
    {
        await client.SendAsync($"GET {RecordingUpstream.Sentinel} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var answer = await client.ReadAsync(toHead: false);
        if (answer is not null and not { Status: 200, Body: RecordingUpstream.SentinelBody, Flaw: null }
            && !(answer is { Status: 502, IsWhole: true } && answer.Head.All("Proxy-Status").Count > 0))
        {
            test.Complaints.Enqueue($"a further request got {answer.Status} '{Short(answer.Body)}' {answer.Flaw}");
        }
    }

    /// <summary>A text that may be long or hold anything, for a message.</summary>
    /// <param name="text">The text.</param>
    internal static string Short(string text) =>
        string.Concat((text.Length <= 300 ? text : text[..300] + "…").Select(c => c is >= ' ' and < '\u007f' or '…' ? c.ToString() : $"\\x{(int)c:x2}"));

    private async Task<string?> BatchAsync(int[] numbers, Func<WireCase, Task> exchange, Action<WireCase> judge)
    {
        Upstream.ClearStrays();
        var batch = Interlocked.Increment(ref _batches); // other addresses than the batch before: what comes late is not taken for the next one's
        var cases = numbers.Select((number, index) => new WireCase(number, new IPAddress([127, (byte)(1 + (batch % 250)), (byte)(batch / 250), (byte)index]), FuzzPlan.Of(number))).ToArray();
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (test, _) =>
        {
            try
            {
                await exchange(test);
            }
            catch (TimeoutException hung)
            {
                test.Complaints.Enqueue("hung: " + Short(hung.Message));
            }
        });

        // A request that the client gave up may still be on its way.
        await Eventually.TrueAsync(async () => await _proxy!.MetricAsync("resilient_proxy_requests_in_flight{route=\"route\"}") == 0, "the end of every request");
        foreach (var test in cases)
        {
            await Task.WhenAll(Upstream.Of(test.Client).All.Select(request => request.Ended)).WaitAsync(WireClient.Bound);
            judge(test);
        }

        var complaints = cases.SelectMany(test => test.Complaints.Select(complaint => $"[{test.Number}] {complaint}")).Concat(Upstream.Strays.Select(Short)).Take(5).ToArray();
        return complaints.Length == 0 ? null : string.Join("\n  ", complaints);
    }
}
