using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ResilientProxy.Errors;
using ResilientProxy.Values;

namespace ResilientProxy.Fallback;

/// <summary>What a route falls back for: a group of reasons, or a status that the caller would have got.</summary>
/// <param name="Text">As the config writes it.</param>
[TextFormat(
    "\"timeout\", \"circuit-open\", \"no-destination\", \"limit\", \"connect-failure\", \"reset\", \"5xx\" or a status from 400 to 599",
    "^(timeout|circuit-open|no-destination|limit|connect-failure|reset|5xx|[45][0-9][0-9])$")]
internal readonly record struct FallbackCondition(string Text) : IParsable<FallbackCondition>, IFormattable
{
    /// <summary>An attempt, the whole request or a connection took too long.</summary>
    public static readonly FallbackCondition Timeout = new("timeout");

    /// <summary>Every destination's circuit is open.</summary>
    public static readonly FallbackCondition CircuitOpen = new("circuit-open");

    /// <summary>There is no destination, or none that is healthy.</summary>
    public static readonly FallbackCondition NoDestination = new("no-destination");

    /// <summary>A bulkhead is full.</summary>
    public static readonly FallbackCondition Limit = new("limit");

    /// <summary>No connection came about: refused, TLS, DNS.</summary>
    public static readonly FallbackCondition ConnectFailure = new("connect-failure");

    /// <summary>The connection died before the answer was there.</summary>
    public static readonly FallbackCondition Reset = new("reset");

    /// <summary>Whatever would have reached the caller as a 5xx, the upstream's answer or the proxy's own.</summary>
    public static readonly FallbackCondition AnyServerError = new("5xx");

    private static readonly FallbackCondition[] Words = [Timeout, CircuitOpen, NoDestination, Limit, ConnectFailure, Reset, AnyServerError];

    /// <summary>The status it names; 0 for none.</summary>
    public int Status => Text.Length == 3 && int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : 0;

    /// <summary>Whether an upstream's status is covered.</summary>
    /// <param name="status">The status.</param>
    public bool Covers(int status) => status == Status || (status >= 500 && this == AnyServerError);

    /// <summary>Whether an error of the proxy's own is covered.</summary>
    /// <param name="error">The error.</param>
    public bool Covers(ProxyError error) => Covers(error.StatusCode) || GroupOf(error) == this;

    /// <inheritdoc/>
    public static FallbackCondition Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var condition) ? condition : throw new FormatException($"\"{s}\" is no fallback condition.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out FallbackCondition result)
    {
        result = new FallbackCondition((s ?? "").ToLowerInvariant().Replace('_', '-'));
        return Words.Contains(result) || result.Status is >= 400 and <= 599;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => Text;

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static FallbackCondition? GroupOf(ProxyError error) => error switch
    {
        _ when error == ProxyError.CircuitOpen => CircuitOpen,
        _ when error == ProxyError.NoDestination => NoDestination,
        _ when error == ProxyError.BulkheadFull || error == ProxyError.BulkheadTimeout || error == ProxyError.OutOfSockets => Limit,
        _ when error == ProxyError.ConnectionTerminated || error == ProxyError.Protocol => Reset,
        { StatusCode: StatusCodes.Status504GatewayTimeout } => Timeout,
        { StatusCode: StatusCodes.Status502BadGateway } => ConnectFailure,
        _ => null,
    };
}
