namespace ResilientProxy.Telemetry;

/// <summary>How a client's request ended, as the label <c>outcome</c> says it.</summary>
internal enum RequestOutcome
{
    /// <summary>An upstream's answer went to the client.</summary>
    Success,

    /// <summary>No attempt brought a good answer, for another reason than time.</summary>
    UpstreamError,

    /// <summary>The proxy refused it: a limit, an open breaker, no route.</summary>
    Rejected,

    /// <summary>Its time, or the last attempt's, was up.</summary>
    Timeout,

    /// <summary>The client left.</summary>
    ClientClosed,

    /// <summary>The fallback answered.</summary>
    Fallback,
}

/// <summary>The words for outcomes in labels and log lines.</summary>
internal static class RequestOutcomes
{
    private static readonly string[] Words = ["success", "upstream_error", "rejected", "timeout", "client_closed", "fallback"];

    public static int Count => Words.Length;

    public static string Word(this RequestOutcome outcome) => Words[(int)outcome];
}
