namespace ResilientProxy.Errors;

/// <summary>One way in which the proxy itself ends a request: the closed list of its own answers.</summary>
/// <param name="StatusCode">The HTTP status the client gets, RFC 9110 section 15.</param>
/// <param name="Word">The <c>error</c> of the <c>Proxy-Status</c> field, RFC 9209 section 2.3.</param>
/// <param name="GrpcStatus">The <c>grpc-status</c> a gRPC client gets instead.</param>
/// <param name="Title">The problem's short title, RFC 9457 section 3.1.3; the same for every occurrence.</param>
/// <param name="Detail">What happened and who is to look where; nothing of an upstream's address.</param>
/// <param name="FinerReason">A reason for the log that is finer than the word, where several errors share that.</param>
internal sealed record ProxyError(int StatusCode, string Word, int GrpcStatus, string Title, string Detail, string? FinerReason = null)
{
    /// <summary>The reason in the log: the word, or a finer one where several timers share it.</summary>
    public string Reason => FinerReason ?? Word;

    /// <summary>The answer's <c>Proxy-Status</c> field, without further parameters: the same for every occurrence.</summary>
    public string StatusField { get; } = $"resilient-proxy; error={Word}; details=\"{Detail}\"";

    /// <summary>What every problem document of it begins with.</summary>
    public ProblemStart Problem { get; } = new(StatusCode, Title, Detail, Word);

    private const int DeadlineExceeded = 4;
    private const int ResourceExhausted = 8;
    private const int Unimplemented = 12;
    private const int Internal = 13;
    private const int Unavailable = 14;

    public static readonly ProxyError NoRoute = new(404, "destination_not_found", Unimplemented,
        "No route", "No route of this proxy matches the request's host, path, method and headers.");

    public static readonly ProxyError NoDestination = new(503, "destination_unavailable", Unavailable,
        "No destination available", "Every destination of this route is unavailable at the moment.");

    public static readonly ProxyError CircuitOpen = new(503, "destination_unavailable", Unavailable,
        "Circuit open", "The circuit of every destination of this route is open: they failed too often, and are left alone for a while.",
        "circuit_open");

    public static readonly ProxyError BulkheadFull = new(503, "connection_limit_reached", ResourceExhausted,
        "Too many requests at once", "All places for requests at this upstream are taken, and so is its queue.",
        "bulkhead_full");

    public static readonly ProxyError BulkheadTimeout = new(503, "connection_limit_reached", ResourceExhausted,
        "Too many requests at once", "queue timeout: no place at this upstream came free in time.",
        "queue_timeout");

    public static readonly ProxyError RateLimited = new(429, "http_request_denied", ResourceExhausted,
        "Too many requests", "rate limit: this client has used up what the route allows it for now.",
        "rate_limited");

    public static readonly ProxyError Overloaded = new(503, "connection_limit_reached", ResourceExhausted,
        "Proxy overloaded", "overload: the proxy itself is short of memory or of processing time and takes no new requests.",
        "overloaded");

    public static readonly ProxyError OutOfSockets = new(503, "connection_limit_reached", ResourceExhausted,
        "Proxy out of connections", "out of sockets: the proxy itself has no file descriptor or memory left for a connection to an upstream.",
        "out_of_sockets");

    public static readonly ProxyError UpgradeLimit = new(503, "connection_limit_reached", ResourceExhausted,
        "Too many upgraded connections", "upgrade limit: this proxy has as many upgraded connections as it takes.",
        "upgrade_limit");

    public static readonly ProxyError Draining = new(503, "http_request_denied", Unavailable,
        "Going away", "draining: this proxy is about to end; the next one takes what lasts long.",
        "draining");

    public static readonly ProxyError ConnectionRefused = new(502, "connection_refused", Unavailable,
        "Upstream refused the connection", "The upstream refused the connection or could not be reached.");

    public static readonly ProxyError ConnectionTimeout = new(504, "connection_timeout", Unavailable,
        "Upstream connect timeout", "connect timeout: the upstream did not accept a connection in time.");

    public static readonly ProxyError TlsProtocol = new(502, "tls_protocol_error", Unavailable,
        "Upstream TLS failure", "The TLS handshake with the upstream failed.");

    public static readonly ProxyError TlsCertificate = new(502, "tls_certificate_error", Unavailable,
        "Upstream certificate refused", "The certificate of the upstream was not accepted.");

    public static readonly ProxyError Dns = new(502, "dns_error", Unavailable,
        "Upstream name not found", "The name of the upstream could not be resolved.");

    public static readonly ProxyError ConnectionTerminated = new(502, "connection_terminated", Unavailable,
        "Upstream closed the connection", "The upstream closed the connection before its response was complete.");

    public static readonly ProxyError AttemptTimeout = new(504, "http_response_timeout", DeadlineExceeded,
        "Upstream timeout", "attempt timeout: the upstream sent no response headers in time.",
        "attempt_timeout");

    public static readonly ProxyError TotalTimeout = new(504, "http_response_timeout", DeadlineExceeded,
        "Upstream timeout", "total timeout: no answer was ready within the time the route allows a request.",
        "total_timeout");

    public static readonly ProxyError IdleTimeout = new(504, "http_response_timeout", DeadlineExceeded,
        "Idle timeout", "idle timeout: no byte moved in either direction for the time the route allows.",
        "idle_timeout");

    public static readonly ProxyError Protocol = new(502, "http_protocol_error", Unavailable,
        "Malformed upstream response", "The upstream's response is not valid HTTP.");

    public static readonly ProxyError Loop = new(508, "proxy_loop_detected", Internal,
        "Proxy loop", "The request passed this proxy before: a destination of a route points back to it.");

    public static readonly ProxyError BadRequest = new(400, "http_request_error", Internal,
        "Malformed request", "The request's body is not valid HTTP or ended early.");

    public static readonly ProxyError AmbiguousLength = new(400, "http_request_error", Internal,
        "Ambiguous request length", "The request has both Content-Length and Transfer-Encoding, or a transfer coding in HTTP/1.0.");

    public static readonly ProxyError BadTarget = new(400, "http_request_error", Internal,
        "Malformed request target", "The request's target holds a space or a control character.");

    public static readonly ProxyError ConnectionField = new(400, "http_request_error", Internal,
        "Connection-specific field", "A field of an HTTP/1.1 connection has no place in a request of HTTP/2 or later.");

    public static readonly ProxyError TraceWithBody = new(400, "http_request_error", Internal,
        "TRACE with a body", "A TRACE request has no body.");

    public static readonly ProxyError UnknownCoding = new(501, "http_request_denied", Unimplemented,
        "Unknown transfer coding", "The only transfer coding of a request is chunked, once.");

    public static readonly ProxyError UnknownMethod = new(501, "http_request_denied", Unimplemented,
        "Unknown method", "The request's method is a well-known one in other letters: methods are case-sensitive.");

    public static readonly ProxyError NoTunnels = new(501, "http_request_denied", Unimplemented,
        "No tunnels", "This is a reverse proxy: CONNECT opens no tunnel here.");

    public static readonly ProxyError PayloadTooLarge = new(413, "http_request_error", ResourceExhausted,
        "Request body too large", "The request's body is larger than this route allows.");

    public static readonly ProxyError InternalError = new(500, "proxy_internal_error", Internal,
        "Proxy failure", "The proxy failed to handle the request; its log says more.");
}
