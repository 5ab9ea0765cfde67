namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>What becomes of the upstream's connection after its answer.</summary>
internal enum AnswerEnd
{
    /// <summary>It stays open for the next request.</summary>
    Open,

    /// <summary>It is closed in order.</summary>
    Close,

    /// <summary>It is reset.</summary>
    Reset,
}

/// <summary>What the upstream answers, byte by byte.</summary>
/// <param name="Text">Each character is a byte.</param>
/// <param name="End">What becomes of the connection.</param>
/// <param name="Early">Whether it answers as soon as it has the head.</param>
internal sealed record UpstreamAnswer(string Text, AnswerEnd End = AnswerEnd.Open, bool Early = false)
{
    /// <summary>A plain answer.</summary>
    public static readonly UpstreamAnswer Ok = new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}
