using System.IO.Pipelines;
using ResilientProxy.Errors;

namespace ResilientProxy.Forwarding;

/// <summary>The body of one client request, read once from the client while it streams to the upstream.</summary>
internal sealed class RequestBody
{
    private readonly PipeReader _reader;
    private Exception? _clientError;
    private long _bytesRead;

    private RequestBody(PipeReader reader) => _reader = reader;

    /// <summary>What reading from the client failed with; null while it went well.</summary>
    public Exception? ClientError => Volatile.Read(ref _clientError);

    /// <summary>Bytes of the body that the client has sent so far.</summary>
    public long BytesRead => Volatile.Read(ref _bytesRead);

    /// <summary>The request's body, or null where it has none; nothing is read yet, so that <c>Expect: 100-continue</c> goes on waiting.</summary>
    /// <param name="context">The request.</param>
    public static RequestBody? Of(HttpContext context)
    {
        var detection = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestBodyDetectionFeature>();
        return detection?.CanHaveBody == true ? new(context.Request.BodyReader) : null;
    }

    /// <summary>Copies the body to an upstream as it arrives: what there is goes out before more is waited for.</summary>
    /// <param name="destination">The upstream's end.</param>
    /// <param name="attempt">Whose idle timer runs meanwhile.</param>
    /// <param name="cancellationToken">Ends the copying.</param>
    /// <exception cref="IOException">The client's message ended early or is malformed; <see cref="ClientError"/> says how.</exception>
    public async Task CopyToAsync(Stream destination, Attempt attempt, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (part, waits) = TryRead();
            if (waits)
            {
                await destination.FlushAsync(cancellationToken);
                part = await ReadAsync(cancellationToken);
            }

            try
            {
                foreach (var segment in part.Buffer)
                {
                    await destination.WriteAsync(segment, cancellationToken);
                }

                Volatile.Write(ref _bytesRead, _bytesRead + part.Buffer.Length);
            }
            finally
            {
                _reader.AdvanceTo(part.Buffer.End);
            }

            attempt.MovedIfIdleWatched();
            if (part.IsCompleted)
            {
                return;
            }
        }
    }

    private (ReadResult Part, bool Waits) TryRead()
    {
        try
        {
            return _reader.TryRead(out var part) ? (part, false) : (default, true);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw Remember(error);
        }
    }

    private async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _reader.ReadAsync(cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw Remember(error);
        }
    }

    // The transport must learn that the body is incomplete, or it would send a whole-looking request; the exchange asks for the cause.
    private IOException Remember(Exception error)
    {
        Volatile.Write(ref _clientError, error);
        return new IOException("The client's request body could not be read to its end.", error);
    }

    /// <summary>What the client is told when its body could not be read; null where the client is gone.</summary>
    public ProxyError? ClientErrorAnswer() => ClientError switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => ProxyError.PayloadTooLarge,
        BadHttpRequestException => ProxyError.BadRequest,
        _ => null,
    };
}
