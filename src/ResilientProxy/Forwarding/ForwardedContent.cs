using System.Net;

namespace ResilientProxy.Forwarding;

/// <summary>A request's body as one attempt sends it.</summary>
/// <param name="body">The client's body.</param>
/// <param name="attempt">The attempt.</param>
internal sealed class ForwardedContent(RequestBody body, Attempt attempt) : HttpContent
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;

    /// <summary>Whether copying has begun and not yet ended.</summary>
    public bool InProgress => Volatile.Read(ref _started) == 1 && !_finished.Task.IsCompleted;

    /// <summary>Completes, never with an error, once the client's body is not being read any more.</summary>
    public Task Finished => Volatile.Read(ref _started) == 1 ? _finished.Task : Task.CompletedTask;

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 1) == 1)
        {
            throw new InvalidOperationException("The transport asked for the request body a second time.");
        }

        try
        {
            // Over HTTP/2 the token is the stream's own: the attempt's end must stop the copying as well.
            if (cancellationToken == attempt.Token || !cancellationToken.CanBeCanceled)
            {
                await body.CopyToAsync(stream, attempt, attempt.Token);
            }
            else
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(attempt.Token, cancellationToken);
                await body.CopyToAsync(stream, attempt, either.Token);
            }
        }
        finally
        {
            _finished.TrySetResult();
        }
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false; // a Content-Length of the client's is copied with its other headers; without one the body is chunked
    }
}
