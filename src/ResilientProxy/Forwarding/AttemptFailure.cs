using ResilientProxy.Errors;

namespace ResilientProxy.Forwarding;

/// <summary>Why an attempt brought no response, and what that says about trying again.</summary>
/// <param name="Error">What the client is told if this is the last attempt.</param>
/// <param name="NotReceived">Whether the upstream provably never got the request, so that even a non-idempotent one may be sent again.</param>
/// <param name="StaleConnection">Whether a reused connection died before any response byte: the upstream closed it for idleness.</param>
/// <param name="Cause">The exception, for the log.</param>
internal sealed record AttemptFailure(ProxyError Error, bool NotReceived, bool StaleConnection, Exception? Cause);
