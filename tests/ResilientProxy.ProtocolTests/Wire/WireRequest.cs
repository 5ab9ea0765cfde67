namespace ResilientProxy.ProtocolTests.Wire;

/// <summary>One request as it reached the upstream.</summary>
/// <param name="head">Its head.</param>
/// <param name="raw">The head's bytes, with the empty line.</param>
internal sealed class WireRequest(WireHead head, string raw)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The head.</summary>
    public WireHead Head => head;

    /// <summary>The head's bytes.</summary>
    public string RawHead => raw;

    /// <summary>The body, as far as it came.</summary>
    public string Body { get; private set; } = "";

    /// <summary>The lines after the last chunk.</summary>
    public string Trailers { get; private set; } = "";

    /// <summary>Whether its end came.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>What is wrong with it; null for nothing.</summary>
    public string? Flaw { get; private set; } = head.Flaw ?? StartFlaw(head);

    /// <summary>Completes when its end came, or the end of its connection.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The target.</summary>
    public string Target => head.StartLine.Split(' ') is [_, var target, ..] ? target : "";

    /// <summary>Takes what has come of the body.</summary>
    /// <param name="text">The connection's bytes behind the head.</param>
    /// <param name="consumed">How many of them are the body.</param>
    /// <returns>Whether the end was there.</returns>
    public bool TryBody(string text, out int consumed)
    {
        consumed = 0;
        if (head.Chunked)
        {
            IsWhole = WireBody.TryChunked(text, 0, out var body, out consumed, out var trailers, out var flaw);
            (Body, Trailers) = (body, trailers);
            Flaw ??= flaw;
        }
        else
        {
            var length = Math.Max(0, head.ContentLength);
            IsWhole = text.Length >= length;
            consumed = (int)Math.Min(text.Length, length);
            Body = text[..consumed];
        }

        if (IsWhole)
        {
            _ended.TrySetResult();
        }

        return IsWhole;
    }

    /// <summary>Its connection ended.</summary>
    public void ConnectionEnded() => _ended.TrySetResult();

    /// <inheritdoc/>
    public override string ToString() => $"{head.StartLine} (body {Body.Length}{(IsWhole ? "" : ", incomplete")})";

    // RFC 9112 sections 3 and 3.2.
    private static string? StartFlaw(WireHead head) =>
        head.StartLine.Split(' ') is not [_, _, "HTTP/1.1" or "HTTP/1.0"] ? $"no request line: '{head.StartLine}'"
        : head.All("Host").Count != 1 ? $"{head.All("Host").Count} Host fields (RFC 9112 section 3.2)"
        : null;
}
