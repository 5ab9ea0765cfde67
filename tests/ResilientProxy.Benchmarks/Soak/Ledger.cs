using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>The accounts of all requests: each is judged once its witnesses had time to speak, and then forgotten.</summary>
internal sealed class Ledger
{
    private const int Shown = 20;

    // A witness may be late: a request whose client left is still read by the upstream.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<long, Account> _open = new();
    private readonly ConcurrentQueue<(long Ended, Account Account)> _ended = new();
    private long _next;
    private long _strangeLines;
    private long _lateDeliveries;

    /// <summary>Requests that were begun.</summary>
    public long Begun => Volatile.Read(ref _next);

    /// <summary>Requests of which the proxy's log knows.</summary>
    public long Logged { get; private set; }

    /// <summary>Their attempts, by the log.</summary>
    public long Attempts { get; private set; }

    /// <summary>Of these, provably not received.</summary>
    public long NotReceived { get; private set; }

    /// <summary>Of these, ended before it was certain.</summary>
    public long Uncertain { get; private set; }

    /// <summary>Requests that upstreams received.</summary>
    public long Deliveries { get; private set; }

    /// <summary>Deliveries after the request was judged, and lines of the log that belong to none.</summary>
    public long Strange => Volatile.Read(ref _strangeLines) + Volatile.Read(ref _lateDeliveries);

    /// <summary>How requests ended for their clients.</summary>
    public SortedDictionary<string, long> Ends { get; } = [];

    /// <summary>Requests about which the witnesses do not agree.</summary>
    public long Contradictions { get; private set; }

    /// <summary>The first of them, in words.</summary>
    public List<string> Examples { get; } = [];

    /// <summary>Begins a request.</summary>
    /// <param name="kind">What it asks for.</param>
    public Account Begin(string kind)
    {
        var account = new Account(Interlocked.Increment(ref _next)) { Kind = kind };
        _open[account.Id] = account;
        return account;
    }

    /// <summary>The client is done with it.</summary>
    /// <param name="account">The request.</param>
    public void Close(Account account) => _ended.Enqueue((Environment.TickCount64, account));

    /// <summary>It reached an upstream.</summary>
    /// <param name="id">The request.</param>
    /// <param name="act">What the upstream does with it.</param>
    public void Delivered(long id, UpstreamAct act)
    {
        if (_open.TryGetValue(id, out var account))
        {
            account.Delivered(act);
        }
        else
        {
            Interlocked.Increment(ref _lateDeliveries);
        }
    }

    /// <summary>Reads a line of the access log.</summary>
    /// <param name="line">The line.</param>
    public void Read(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        var path = root.GetProperty("path").GetString()!.Split('/'); // "", route, id, …
        if (path.Length < 3 || !long.TryParse(path[2], CultureInfo.InvariantCulture, out var id) || !_open.TryGetValue(id, out var account))
        {
            Interlocked.Increment(ref _strangeLines);
            return;
        }

        account.Logged(
            root.GetProperty("status").GetInt32(),
            root.GetProperty("outcome").GetString()!,
            root.GetProperty("reason").GetString(),
            root.GetProperty("attempts").EnumerateArray().Select(static attempt =>
                (attempt.GetProperty("destination").GetString()!, attempt.GetProperty("outcome").GetString()!, attempt.GetProperty("durationMs").GetDouble())));
    }

    /// <summary>Judges what has ended long enough ago. One caller at a time.</summary>
    /// <param name="all">Whether everything is over: what has no end by now will have none.</param>
    public void Judge(bool all)
    {
        while (_ended.TryPeek(out var first) && (all || Environment.TickCount64 - first.Ended > Patience.TotalMilliseconds))
        {
            _ended.TryDequeue(out _);
            Judge(first.Account);
        }

        if (all)
        {
            foreach (var account in _open.Values)
            {
                Judge(account);
            }
        }
    }

    private void Judge(Account account)
    {
        _open.TryRemove(account.Id, out _);
        Logged += account.Lines;
        Attempts += account.Attempts;
        NotReceived += account.NotReceived;
        Uncertain += account.Uncertain;
        Deliveries += account.Deliveries;
        var end = account.End == ClientEnd.Whole ? $"{account.Status} {account.Word}".TrimEnd() : account.End.ToString();
        Ends[end] = Ends.GetValueOrDefault(end) + 1;
        if (account.Contradiction() is { } contradiction)
        {
            Contradictions++;
            if (Examples.Count < Shown)
            {
                Examples.Add($"{contradiction}: {account}");
            }
        }
    }
}
