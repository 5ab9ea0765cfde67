using System.ComponentModel.DataAnnotations;

namespace ResilientProxy.Fallback;

/// <summary>What a caller gets in place of a failure: an answer written here, or that of another cluster.</summary>
internal sealed record FallbackOptions
{
    /// <summary>What it stands in for: "timeout", "circuit-open", "no-destination", "limit", "connect-failure", "reset", "5xx", or a status such as "404".</summary>
    public IReadOnlyList<FallbackCondition> On { get; init; } =
        [FallbackCondition.Timeout, FallbackCondition.CircuitOpen, FallbackCondition.NoDestination, FallbackCondition.AnyServerError];

    /// <summary>The cluster that is tried with the time that is left; without it the answer is the one written here.</summary>
    public string? ClusterId { get; init; }

    /// <summary>The answer's status; 200 to 599.</summary>
    [Range(200, 599)]
    public int StatusCode { get; init; } = 200;

    /// <summary>The answer's content type.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>Further headers of the answer.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The answer's body.</summary>
    public string? Body { get; init; }

    /// <summary>A file that holds the body, at most 1 MiB; read when the config takes effect.</summary>
    public string? BodyFile { get; init; }
}
