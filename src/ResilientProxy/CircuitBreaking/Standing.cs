namespace ResilientProxy.CircuitBreaking;

/// <summary>Where a circuit stands. Replaced as a whole, so that a look without a lock sees one moment and not a mix of two.</summary>
internal sealed record Standing
{
    /// <summary>The <see cref="Until"/> of what does not end by itself.</summary>
    public const long Never = long.MaxValue;

    /// <summary>What the circuit does with attempts.</summary>
    public required CircuitState State { get; init; }

    /// <summary>Counts up whenever the outcomes of passes given before stop to mean anything.</summary>
    public required long Generation { get; init; }

    /// <summary>The timestamp of the last change of state.</summary>
    public required long Since { get; init; }

    /// <summary>The time of day of it.</summary>
    public required DateTimeOffset SinceTime { get; init; }

    /// <summary>Why it changed; null where it never has.</summary>
    public string? Reason { get; init; }

    /// <summary>The timestamp at which the break, the isolation or the forced closing ends.</summary>
    public long Until { get; init; } = long.MinValue;

    /// <summary>The time of day at which the operator's word ends; null where it does not, or where there is none.</summary>
    public DateTimeOffset? OperatorUntil { get; init; }

    /// <summary>Whether a probe is under way; in half-open, or in open where it is an early one.</summary>
    public bool Probing { get; init; }
}
