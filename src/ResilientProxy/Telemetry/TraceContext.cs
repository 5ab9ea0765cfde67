using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace ResilientProxy.Telemetry;

/// <summary>The W3C trace a request belongs to: the client's, or a new one.</summary>
/// <remarks>W3C Trace Context, section 3.2. A field that is not valid starts a new trace, as section 4.2 asks.</remarks>
internal readonly struct TraceContext
{
    /// <summary>Characters of a <c>traceparent</c>.</summary>
    public const int ParentLength = 55;

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    private TraceContext(string traceId, char flag, bool isCallers)
    {
        TraceId = traceId;
        _flag = flag;
        IsCallers = isCallers;
    }

    private readonly char _flag;

    /// <summary>32 hexadecimal digits.</summary>
    public string TraceId { get; }

    /// <summary>Whether the caller began it; then its <c>tracestate</c> goes on with it, else there must be none.</summary>
    public bool IsCallers { get; }

    /// <summary>The trace of a request.</summary>
    /// <param name="traceParent">The request's <c>traceparent</c> field; null or invalid starts a new trace.</param>
    public static TraceContext From(string? traceParent) =>
        IsValid(traceParent)
            ? new(traceParent.Substring(3, 32), traceParent[54], isCallers: true)
            : new(ActivityTraceId.CreateRandom().ToHexString(), '0', isCallers: false);

    /// <summary>The trace of a request that has a span.</summary>
    /// <param name="span">The request's own span.</param>
    public static TraceContext Of(Activity span) =>
        new(span.TraceId.ToHexString(), span.Recorded ? '1' : '0', span.HasRemoteParent);

    /// <summary>The <c>traceparent</c> of a new span under this trace.</summary>
    public string NewTraceParent() =>
        string.Create(ParentLength, this, static (text, trace) => trace.WriteNewParent(text));

    /// <summary>Writes the <c>traceparent</c> of a new span under this trace.</summary>
    /// <param name="text">Takes its <see cref="ParentLength"/> characters.</param>
    public void WriteNewParent(Span<char> text)
    {
        text[0] = '0';
        text[1] = '0';
        text[2] = '-';
        TraceId.CopyTo(text[3..]);
        text[35] = '-';
        Random.Shared.GetHexString(text.Slice(36, 16), lowercase: true);
        text[52] = '-';
        text[53] = '0';
        text[54] = _flag;
    }

    /// <summary>Whether a <c>traceparent</c> field is of the form that is gone on with.</summary>
    /// <param name="value">The field; null where there is none.</param>
    public static bool IsValid([NotNullWhen(true)] string? value) =>
        value is { Length: ParentLength } && value.StartsWith("00-", StringComparison.Ordinal) && value[35] == '-' && value[52] == '-'
        && IsId(value.AsSpan(3, 32)) && IsId(value.AsSpan(36, 16)) && value.AsSpan(53).IndexOfAnyExceptInRange('0', '9') < 0;

    // Lower-case hexadecimal, not all zero.
    private static bool IsId(ReadOnlySpan<char> id) =>
        !id.ContainsAnyExcept(LowerHex) && id.ContainsAnyExcept('0');
}
