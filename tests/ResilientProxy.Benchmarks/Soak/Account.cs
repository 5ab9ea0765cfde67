using System.Globalization;

namespace ResilientProxy.Benchmarks.Soak;

/// <summary>How a request ended for its client.</summary>
internal enum ClientEnd
{
    /// <summary>Not yet.</summary>
    None,

    /// <summary>A whole answer, good or bad.</summary>
    Whole,

    /// <summary>An answer that visibly broke off.</summary>
    Broken,

    /// <summary>No answer at all.</summary>
    NoAnswer,

    /// <summary>It left on purpose.</summary>
    Left,
}

/// <summary>What an upstream did with a request that reached it.</summary>
internal enum UpstreamAct
{
    /// <summary>A whole answer, sooner or later.</summary>
    Answered,

    /// <summary>An answer of 503.</summary>
    Unavailable,

    /// <summary>A reset, before or in the middle of an answer.</summary>
    BrokeOff,

    /// <summary>No answer for as long as anybody waits.</summary>
    Hung,
}

/// <summary>One request as its three witnesses tell it: the client, the proxy's access log, the upstreams.</summary>
/// <param name="id">The request.</param>
internal sealed class Account(long id)
{
    private readonly List<UpstreamAct> _deliveries = [];
    private readonly List<string> _attempts = [];
    private readonly List<string> _destinations = [];
    private string? _outcome;
    private string? _reason;
    private int _loggedStatus;

    /// <summary>Its number.</summary>
    public long Id { get; } = id;

    /// <summary>What it asks for, in a word.</summary>
    public string Kind { get; init; } = "";

    /// <summary>How it ended for its client.</summary>
    public ClientEnd End { get; private set; }

    /// <summary>The status the client saw; 0 for none.</summary>
    public int Status { get; private set; }

    /// <summary>The error of the <c>Proxy-Status</c> the client saw; null for none.</summary>
    public string? Word { get; private set; }

    /// <summary>Whether the answer's body was what was asked for.</summary>
    public bool IsRight { get; private set; } = true;

    /// <summary>What its client's library said where it got no answer.</summary>
    public string? Why { get; set; }

    /// <summary>Lines of the access log about it.</summary>
    public int Lines { get; private set; }

    /// <summary>Attempts in the access log.</summary>
    public int Attempts => _attempts.Count;

    /// <summary>Times it reached an upstream.</summary>
    public int Deliveries => _deliveries.Count;

    /// <summary>Attempts of which the upstream provably got nothing.</summary>
    public int NotReceived => _attempts.Count(IsNotReceived);

    /// <summary>Attempts that ended before it was certain whether anything was sent: the client left, another attempt won, time was up.</summary>
    public int Uncertain => _attempts.Count(IsUncertain);

    /// <summary>The client's word.</summary>
    public void Ended(ClientEnd end, int status = 0, string? word = null, bool isRight = true) => (End, Status, Word, IsRight) = (end, status, word, isRight);

    /// <summary>An upstream's word.</summary>
    public void Delivered(UpstreamAct act)
    {
        lock (_deliveries)
        {
            _deliveries.Add(act);
        }
    }

    /// <summary>The access log's word.</summary>
    public void Logged(int status, string outcome, string? reason, IEnumerable<(string Destination, string Outcome, double Milliseconds)> attempts)
    {
        Lines++;
        (_loggedStatus, _outcome, _reason) = (status, outcome, reason);
        foreach (var (destination, result, milliseconds) in attempts)
        {
            _attempts.Add(result);
            _destinations.Add(string.Create(CultureInfo.InvariantCulture, $"{destination} {result} {milliseconds:0} ms"));
        }
    }

    /// <summary>What the three do not agree about; null where they do.</summary>
    public string? Contradiction()
    {
        if (Lines == 0)
        {
            return End == ClientEnd.Left && Deliveries == 0 ? null : "the access log has no line for it";
        }

        if (Lines > 1)
        {
            return "the access log has several lines for it";
        }

        return ClientAgrees() ?? UpstreamsAgree();
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"request {Id} ({Kind}): client {End} {Status} {Word}{(IsRight ? "" : " WRONG BODY")}; {Why}; log {_loggedStatus} {_outcome} {_reason} [{string.Join(", ", _destinations)}]; upstreams [{string.Join(", ", _deliveries)}]";

    private string? ClientAgrees() => End switch
    {
        ClientEnd.None => "the client still waits",
        ClientEnd.Whole when !IsRight => "a whole answer that is not the right one",
        ClientEnd.Whole when Status != _loggedStatus => "client and log know different statuses",
        ClientEnd.Whole when Status < 400 => _outcome == "success" ? null : "a good answer that is logged as none",
        ClientEnd.Whole when Word is not null => _reason is null ? "an answer of the proxy's own without a reason in the log" : null,
        ClientEnd.Whole => _deliveries.Contains(UpstreamAct.Unavailable) ? null : "an error that neither the proxy nor an upstream explains",
        ClientEnd.Broken or ClientEnd.NoAnswer => _outcome is "upstream_error" or "timeout" or "rejected" && _reason is not null ? null : "a failure that the log does not explain",
        _ => null, // a client that left says nothing
    };

    private string? UpstreamsAgree()
    {
        var certain = _attempts.Count(attempt => !IsNotReceived(attempt) && !IsUncertain(attempt));
        if (Deliveries < certain || Deliveries > certain + Uncertain)
        {
            return $"{certain} to {certain + Uncertain} attempts reached an upstream, and the upstreams know {Deliveries}";
        }

        if (_attempts.Count(attempt => attempt == "connection_terminated") > _deliveries.Count(act => act == UpstreamAct.BrokeOff))
        {
            return "an upstream that broke nothing off is said to have done so";
        }

        if (_attempts.Count(attempt => attempt == "503") > _deliveries.Count(act => act == UpstreamAct.Unavailable))
        {
            return "an upstream that answered no 503 is said to have done so";
        }

        return _attempts.Find(attempt => attempt is "http_protocol_error" or "proxy_internal_error") is { } odd ? $"nobody did what {odd} says" : null;
    }

    private static bool IsNotReceived(string attempt) => attempt is "connection_refused" or "connection_timeout";

    private static bool IsUncertain(string attempt) => attempt is "client_left" or "client_error" or "hedge_lost" or "abandoned" or "http_response_timeout";
}
