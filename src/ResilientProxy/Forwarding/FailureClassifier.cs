using System.Net.Sockets;
using System.Security.Authentication;
using ResilientProxy.Errors;
using ResilientProxy.Http1;
using ResilientProxy.Values;

namespace ResilientProxy.Forwarding;

/// <summary>Says what an exception of the transport means.</summary>
internal static class FailureClassifier
{
    private const long RefusedStream = 7; // RFC 9113 section 7: not processed, safe to send again

    /// <summary>Classifies a failure by exclusion: whatever is not known to be something else is a connection that died.</summary>
    /// <param name="exception">What the transport threw, the attempt's own timers and the client's leaving excluded.</param>
    public static AttemptFailure Classify(Exception exception)
    {
        for (var error = exception; error is not null; error = error.InnerException)
        {
            switch (error)
            {
                case UpstreamClosedException closed:
                    return new(ProxyError.ConnectionTerminated, NotReceived: false, closed.Reused, exception);
                case SocketException socket when Exhaustion.Is(socket.SocketErrorCode):
                    return NeverSent(ProxyError.OutOfSockets, exception); // ours, and no fault of any upstream
                case UpstreamCertificateException:
                    return new(ProxyError.TlsCertificate, NotReceived: true, StaleConnection: false, exception);
                case HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }:
                case HttpIOException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }:
                    return new(ProxyError.Protocol, NotReceived: false, StaleConnection: false, exception); // headers beyond MaxResponseHeaderBytes; HTTP/2 wraps it
                case HttpProtocolException { ErrorCode: RefusedStream }:
                    return new(ProxyError.ConnectionTerminated, NotReceived: true, StaleConnection: false, exception);
            }
        }

        return exception switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => NeverSent(ProxyError.Dns, exception),
            HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } refused =>
                NeverSent(refused.InnerException is TimeoutException ? ProxyError.ConnectionTimeout : ProxyError.ConnectionRefused, exception),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => NeverSent(ProxyError.TlsProtocol, exception),
            HttpRequestException { HttpRequestError: HttpRequestError.VersionNegotiationError } => NeverSent(ProxyError.Protocol, exception),
            AuthenticationException => NeverSent(ProxyError.TlsProtocol, exception),

            // The handler's own connect timer; the attempt's timers were looked at before.
            OperationCanceledException { InnerException: TimeoutException } => NeverSent(ProxyError.ConnectionTimeout, exception),
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } =>
                new(ProxyError.Protocol, NotReceived: false, StaleConnection: false, exception),
            HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse } =>
                new(ProxyError.Protocol, NotReceived: false, StaleConnection: false, exception),
            _ => new(ProxyError.ConnectionTerminated, NotReceived: false, StaleConnection: false, exception),
        };
    }

    /// <summary>What it means that a timer of ours ended an attempt: the timer, whatever the transport says of its end, and however far the response had come.</summary>
    /// <param name="end">What ended it from our side.</param>
    /// <param name="exception">What the transport threw.</param>
    /// <returns>Null where no timer did.</returns>
    public static AttemptFailure? OfTimer(AttemptEnd end, Exception? exception) => end switch
    {
        AttemptEnd.AttemptTimeout => new(ProxyError.AttemptTimeout, NotReceived: false, StaleConnection: false, exception),
        AttemptEnd.TotalTimeout => new(ProxyError.TotalTimeout, NotReceived: false, StaleConnection: false, exception),
        AttemptEnd.IdleTimeout => new(ProxyError.IdleTimeout, NotReceived: false, StaleConnection: false, exception),
        _ => null,
    };

    private static AttemptFailure NeverSent(ProxyError error, Exception exception) => new(error, NotReceived: true, StaleConnection: false, exception);
}
