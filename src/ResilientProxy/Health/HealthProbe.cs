using System.Net.Sockets;
using System.Security.Authentication;
using ResilientProxy.Values;

namespace ResilientProxy.Health;

/// <summary>Makes one check.</summary>
internal static class HealthProbe
{
    /// <summary>What a check calls itself, so that an upstream's log can tell it from traffic.</summary>
    public const string UserAgent = "resilient-proxy-health";

    // Enough for any health page; an upstream that sends more is not read to its end.
    private const int MaxBodyBytes = 64 * 1024;

    /// <summary>Asks; every failure is a result.</summary>
    /// <param name="settings">Whom and how.</param>
    /// <param name="time">The clock of the timeout.</param>
    /// <param name="cancellationToken">Nobody wants to know any more.</param>
    /// <exception cref="OperationCanceledException">Nobody wants to know any more.</exception>
    public static async Task<ProbeResult> RunAsync(ProbeSettings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(settings.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            return settings.Type switch
            {
                HealthCheckType.Tcp => await ConnectAsync(settings.Address, either.Token),
                HealthCheckType.Grpc => await GrpcProbe.CheckAsync(settings, MaxBodyBytes, either.Token),
                _ => await GetAsync(settings, either.Token),
            };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error)
        {
            return timer.IsCancellationRequested
                ? new(ProbeResult.Timeout, $"nothing within {Duration.Format(settings.Timeout)}")
                : Classify(error);
        }
    }

    /// <summary>Reads a body, or its beginning.</summary>
    /// <param name="content">The body.</param>
    /// <param name="maxBytes">How much of it at most.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<byte[]> ReadAsync(HttpContent content, int maxBytes, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var body = new byte[maxBytes];
        var count = await stream.ReadAtLeastAsync(body, maxBytes, throwOnEndOfStream: false, cancellationToken);
        return body[..count];
    }

    private static async Task<ProbeResult> GetAsync(ProbeSettings settings, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, settings.Address) { Version = settings.Version, VersionPolicy = settings.VersionPolicy };
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        request.Headers.Host = settings.Host;
        using var response = await settings.Invoker.SendAsync(request, cancellationToken);

        var status = (int)response.StatusCode;
        if (!settings.Options.ExpectedStatuses.Any(range => range.Contains(status)))
        {
            return new(ProbeResult.Status, $"it answered {status}");
        }

        if (settings.Options.BodyContains is not { } part)
        {
            return ProbeResult.Well;
        }

        var body = await ReadAsync(response.Content, MaxBodyBytes, cancellationToken);
        return body.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(part)) >= 0 ? ProbeResult.Well : new(ProbeResult.Body, "its body lacks what BodyContains wants");
    }

    private static async Task<ProbeResult> ConnectAsync(Uri address, CancellationToken cancellationToken)
    {
        DescriptorReserve.ThrowIfTouched();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.DnsSafeHost, address.Port, cancellationToken);
        return ProbeResult.Well;
    }

    // By exclusion: bare socket and I/O errors come through beside those of the HTTP client.
    private static ProbeResult Classify(Exception error) => error switch
    {
        _ when Find<SocketException>(error) is { } ours && Exhaustion.Is(ours.SocketErrorCode) => new(ProbeResult.OutOfSockets, ours.Message),
        _ when Find<AuthenticationException>(error) is { } tls => new(ProbeResult.Tls, tls.Message),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => new(ProbeResult.Tls, error.Message),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } or SocketException => new(ProbeResult.Connect, error.Message),
        OperationCanceledException { InnerException: TimeoutException inner } => new(ProbeResult.Connect, inner.Message), // the connect timer
        TimeoutException => new(ProbeResult.Connect, error.Message),
        _ => new(ProbeResult.Protocol, error.Message),
    };

    private static T? Find<T>(Exception error)
        where T : Exception
    {
        for (var at = error; at is not null; at = at.InnerException)
        {
            if (at is T found)
            {
                return found;
            }
        }

        return null;
    }
}
