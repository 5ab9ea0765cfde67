using System.Buffers;
using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using ResilientProxy.Timeouts;
using Yarp.ReverseProxy.Forwarder;

namespace ResilientProxy.Forwarding;

/// <summary>Copies the response of the attempt that won to the client: status, headers, body as it arrives, trailers.</summary>
internal sealed class ResponseCopy(TimerSweep sweep, DrainState drain)
{
    /// <summary>A body of at most this many bytes, declared, is complete before its first byte goes out: a truncated one can still be answered for.</summary>
    private const int SmallBody = 16 * 1024;

    private const int SmallestBuffer = 4 * 1024;
    private const int LargestBuffer = 64 * 1024;

    /// <summary>Copies the whole response.</summary>
    /// <param name="exchange">The client's request.</param>
    /// <param name="attempt">The attempt whose response is copied; its timer watches for silence.</param>
    /// <param name="transformer">The route's transforms.</param>
    /// <exception cref="UpstreamBodyException">The upstream's body broke off.</exception>
    /// <exception cref="OperationCanceledException">The attempt was ended from our side; it says why.</exception>
    public async Task CopyAsync(Exchange exchange, Attempt attempt, HttpTransformer transformer)
    {
        var response = attempt.Response!;
        var content = response.Content;
        attempt.WatchIdle(exchange.Route!.Options.Timeouts.Idle);

        var stream = await content.ReadAsStreamAsync(attempt.Token);
        var length = response.Headers.TransferEncodingChunked == true ? null : content.Headers.ContentLength;
        if (length == 0 || HttpMethods.IsHead(exchange.Context.Request.Method) || HasNoBody((int)response.StatusCode))
        {
            await CopyHeadAsync(exchange, attempt, transformer);
            FirstByte(exchange);
        }
        else if (length <= SmallBody)
        {
            await CopySmallAsync(exchange, attempt, transformer, stream, (int)length);
        }
        else
        {
            if (await CopyHeadAsync(exchange, attempt, transformer))
            {
                await CopyStreamAsync(exchange, attempt, stream);
            }
            else
            {
                FirstByte(exchange);
            }
        }

        await transformer.TransformResponseTrailersAsync(exchange.Context, response, attempt.Token);
    }

    // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5: these end with their headers, whatever those say of a length.
    private static bool HasNoBody(int status) =>
        status is StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified;

    // Status and headers, by YARP's transforms; false where they suppress the body.
    private async ValueTask<bool> CopyHeadAsync(Exchange exchange, Attempt attempt, HttpTransformer transformer)
    {
        var message = attempt.Response!;
        var response = exchange.Context.Response;
        ForwardedHeaders.RemoveNamedByConnection(message);
        response.StatusCode = (int)message.StatusCode;
        if (message.ReasonPhrase is { } phrase && phrase != ReasonPhrases.GetReasonPhrase(response.StatusCode))
        {
            exchange.Context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = phrase;
        }

        var copyBody = await transformer.TransformResponseAsync(exchange.Context, message, attempt.Token);
        HopStatus.Mark(response.Headers, exchange.Stopped, response.StatusCode);
        exchange.ShowTrail(attempt);
        if (drain.IsDraining)
        {
            response.Headers.Connection = "close"; // over HTTP/2 the server makes a GOAWAY of it
        }

        return copyBody;
    }

    private async Task CopySmallAsync(Exchange exchange, Attempt attempt, HttpTransformer transformer, Stream stream, int length)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var filled = 0;
            while (filled < length)
            {
                var read = await ReadAsync(stream, buffer.AsMemory(filled, length - filled), attempt);
                if (read == 0)
                {
                    throw new UpstreamBodyException(new EndOfStreamException($"The upstream declared {length} bytes and sent {filled}."));
                }

                filled += read;
            }

            if (!await CopyHeadAsync(exchange, attempt, transformer))
            {
                FirstByte(exchange);
                return;
            }

            FirstByte(exchange);
            exchange.BytesOut += length;
            await exchange.Context.Response.BodyWriter.WriteAsync(buffer.AsMemory(0, length), attempt.Token);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task CopyStreamAsync(Exchange exchange, Attempt attempt, Stream stream)
    {
        var writer = exchange.Context.Response.BodyWriter;
        var size = SmallestBuffer;
        var fairness = default(Fairness);
        while (true)
        {
            // A read of no bytes completes when there is something: until then an idle stream holds no buffer, and what is known goes to the
            // client. Not before: a gRPC answer without a body must end its stream with the headers.
            var something = ReadAsync(stream, Memory<byte>.Empty, attempt);
            if (!something.IsCompleted && !exchange.Context.Response.HasStarted)
            {
                FirstByte(exchange);
                await exchange.Context.Response.StartAsync(attempt.Token);
                await writer.FlushAsync(attempt.Token);
            }

            await something;
            var buffer = writer.GetMemory(size);
            var read = await ReadAsync(stream, buffer, attempt);
            if (read == 0)
            {
                FirstByteIfNone(exchange);
                return;
            }

            FirstByteIfNone(exchange);
            exchange.BytesOut += read;
            writer.Advance(read);
            await writer.FlushAsync(attempt.Token);
            attempt.Touch();
            if (read >= size && size < LargestBuffer)
            {
                size *= 4;
            }

            if (fairness.IsDue(read))
            {
                await Task.Yield();
            }
        }
    }

    private static async ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, Attempt attempt)
    {
        try
        {
            var read = await stream.ReadAsync(buffer, attempt.Token);
            attempt.Touch();
            return read;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw new UpstreamBodyException(error);
        }
    }

    private void FirstByteIfNone(Exchange exchange)
    {
        if (!exchange.FirstByteSent)
        {
            FirstByte(exchange);
        }
    }

    private void FirstByte(Exchange exchange)
    {
        Debug.Assert(!exchange.FirstByteSent, "The first byte goes out once.");
        exchange.FirstByteSent = true;
        exchange.Route!.Metrics.FirstByte(sweep.Time.GetElapsedTime(exchange.Started), exchange.Trace.TraceId);
    }
}

/// <summary>The upstream's body broke off before its end.</summary>
/// <param name="cause">What the transport said.</param>
internal sealed class UpstreamBodyException(Exception cause) : IOException("The upstream's response broke off before its end.", cause);
