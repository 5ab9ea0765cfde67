namespace ResilientProxy.Health;

/// <summary>What one check came to.</summary>
/// <param name="Outcome">One of the words below: the label of <c>health_checks_total</c>.</param>
/// <param name="Detail">More about a failure, for the log and the admin endpoint.</param>
internal readonly record struct ProbeResult(string Outcome, string Detail)
{
    /// <summary>The word of a check that went well.</summary>
    public const string Success = "success";

    /// <summary>No result within the check's timeout.</summary>
    public const string Timeout = "timeout";

    /// <summary>No connection came about.</summary>
    public const string Connect = "connect";

    /// <summary>The certificate was refused, or the TLS handshake failed.</summary>
    public const string Tls = "tls";

    /// <summary>The connection broke, or what came was no HTTP.</summary>
    public const string Protocol = "protocol";

    /// <summary>Another status than the expected ones.</summary>
    public const string Status = "status";

    /// <summary>The body has not what it should.</summary>
    public const string Body = "body";

    /// <summary>The gRPC call failed.</summary>
    public const string GrpcStatus = "grpc_status";

    /// <summary>The gRPC service says that it does not serve.</summary>
    public const string NotServing = "not_serving";

    /// <summary>The proxy itself had no file descriptor or memory left for a connection: that says nothing about the destination.</summary>
    public const string OutOfSockets = "out_of_sockets";

    /// <summary>A check that went well.</summary>
    public static readonly ProbeResult Well = new(Success, "");

    /// <summary>Whether it went well.</summary>
    public bool IsSuccess => ReferenceEquals(Outcome, Success);

    /// <summary>Whether it says anything about the destination.</summary>
    public bool SaysNothing => ReferenceEquals(Outcome, OutOfSockets);

    /// <inheritdoc/>
    public override string ToString() => Detail.Length == 0 ? Outcome : $"{Outcome}: {Detail}";
}
