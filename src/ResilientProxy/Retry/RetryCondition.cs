using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ResilientProxy.Values;

namespace ResilientProxy.Retry;

/// <summary>One thing that is retried: a word, an HTTP status, or a gRPC status.</summary>
/// <param name="Text">As the config writes it.</param>
[TextFormat(
    "\"connect-failure\", \"reset\", \"attempt-timeout\", a status from 400 to 599, or a gRPC status such as \"grpc:unavailable\"",
    "^(connect-failure|reset|attempt-timeout|[45][0-9][0-9]|grpc:[a-z-]+)$")]
internal readonly record struct RetryCondition(string Text) : IParsable<RetryCondition>, IFormattable
{
    /// <summary>No connection came about: refused, timed out, TLS, DNS.</summary>
    public static readonly RetryCondition ConnectFailure = new("connect-failure");

    /// <summary>The connection died before the answer was there.</summary>
    public static readonly RetryCondition Reset = new("reset");

    /// <summary>The attempt timer fired.</summary>
    public static readonly RetryCondition AttemptTimeout = new("attempt-timeout");

    private const string Grpc = "grpc:";

    // In the order of their numbers: https://grpc.io/docs/guides/status-codes/
    private static readonly string[] GrpcStatuses =
    [
        "ok", "cancelled", "unknown", "invalid-argument", "deadline-exceeded", "not-found", "already-exists", "permission-denied",
        "resource-exhausted", "failed-precondition", "aborted", "out-of-range", "unimplemented", "internal", "unavailable", "data-loss", "unauthenticated",
    ];

    /// <summary>The HTTP status it names; 0 for none.</summary>
    public int Status => Text.Length == 3 && int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : 0;

    /// <summary>The number of the gRPC status it names; -1 for none.</summary>
    public int GrpcStatus => Text.StartsWith(Grpc, StringComparison.Ordinal) ? Array.IndexOf(GrpcStatuses, Text[Grpc.Length..]) : -1;

    /// <summary>The condition of an HTTP status.</summary>
    /// <param name="status">The status.</param>
    public static RetryCondition OfStatus(int status) => new(status.ToString(CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public static RetryCondition Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var condition) ? condition : throw new FormatException($"\"{s}\" is no retry condition.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out RetryCondition result)
    {
        var condition = new RetryCondition((s ?? "").ToLowerInvariant().Replace('_', '-'));
        result = condition;
        return condition == ConnectFailure || condition == Reset || condition == AttemptTimeout
            || condition.Status is >= 400 and <= 599 || condition.GrpcStatus > 0;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => Text;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
