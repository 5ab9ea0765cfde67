namespace ResilientProxy.Health;

/// <summary>How a destination is asked whether it is well.</summary>
internal enum HealthCheckType
{
    /// <summary>A GET of <c>HealthCheck.Active.Path</c>; the status, and a part of the body where wanted, tell.</summary>
    Http,

    /// <summary>A connection that opens is enough.</summary>
    Tcp,

    /// <summary>The call <c>grpc.health.v1.Health/Check</c>, over HTTP/2.</summary>
    Grpc,
}
