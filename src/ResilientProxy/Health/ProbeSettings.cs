namespace ResilientProxy.Health;

/// <summary>One distinct check: whom it asks, how, and how often.</summary>
internal sealed record ProbeSettings
{
    /// <summary>How it asks.</summary>
    public required HealthCheckType Type { get; init; }

    /// <summary>What it asks: the whole URL for <see cref="HealthCheckType.Http"/>, host and port for <see cref="HealthCheckType.Tcp"/>, the base for <see cref="HealthCheckType.Grpc"/>.</summary>
    public required Uri Address { get; init; }

    /// <summary>The <c>Host</c> header; null for the address's own.</summary>
    public string? Host { get; init; }

    /// <summary>The cluster's connections: a check goes through the same TLS, DNS and proxy settings as traffic.</summary>
    public required HttpMessageInvoker Invoker { get; init; }

    /// <summary>The HTTP version, as traffic has it.</summary>
    public Version Version { get; init; } = System.Net.HttpVersion.Version11;

    /// <summary>What else the version may be, as traffic has it.</summary>
    public HttpVersionPolicy VersionPolicy { get; init; } = HttpVersionPolicy.RequestVersionOrLower;

    /// <summary>From one check's start to the next's while the destination is healthy.</summary>
    public required TimeSpan Interval { get; init; }

    /// <summary>The same while it is not.</summary>
    public required TimeSpan UnhealthyInterval { get; init; }

    /// <summary>The longest one check may take.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>What a result means.</summary>
    public required HealthCheckOptions Options { get; init; }

    /// <summary>The interval of unhealthy destinations where the config does not say: a third, so that a recovery is seen soon.</summary>
    /// <param name="interval">The interval of healthy ones.</param>
    public static TimeSpan DefaultUnhealthyInterval(TimeSpan interval)
    {
        var third = interval / 3;
        var least = TimeSpan.FromMilliseconds(500);
        return third > least ? third : interval < least ? interval : least;
    }

    /// <summary>Whether the other is the same check, so that a running one may go on.</summary>
    /// <param name="other">The other.</param>
    public bool IsSameAs(ProbeSettings other) =>
        Options.ExpectedStatuses.SequenceEqual(other.Options.ExpectedStatuses)
        && this with { Options = Options with { ExpectedStatuses = other.Options.ExpectedStatuses } } == other; // records compare by value, their lists do not
}
