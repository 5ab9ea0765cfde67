using System.Buffers;
using System.IO.Pipelines;
using System.Numerics;
using ResilientProxy.Errors;

namespace ResilientProxy.Forwarding;

/// <summary>The body of one client request: read once from the client while it streams to the upstream, and recorded up to a limit to be sent again.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int SmallestRecord = 4 * 1024;

    // The pool keeps what it gets back, a few dozen a size, and lets go of it slowly: larger records would stay with the process long after their requests.
    private const int LargestPooled = 64 * 1024;

    private readonly PipeReader _reader;
    private readonly long? _declared;
    private readonly int _maxReplayBytes;
    private readonly ReplayMemory _memory;
    private byte[]? _record;
    private int _recorded;
    private bool _notRecorded;
    private bool _ended;
    private Exception? _clientError;
    private long _bytesRead;

    private RequestBody(PipeReader reader, long? declared, int maxReplayBytes, ReplayMemory memory)
    {
        _reader = reader;
        _declared = declared;
        _maxReplayBytes = maxReplayBytes;
        _memory = memory;
    }

    /// <summary>What reading from the client failed with; null while it went well.</summary>
    public Exception? ClientError => Volatile.Read(ref _clientError);

    /// <summary>Bytes of the body that the client has sent so far.</summary>
    public long BytesRead => Volatile.Read(ref _bytesRead);

    /// <summary>Whether everything read so far can be sent again. Nothing read yet is everything, too.</summary>
    public bool CanReplay => !Volatile.Read(ref _notRecorded);

    /// <summary>Whether the whole body has been read and can be sent again: then two attempts may send it side by side.</summary>
    public bool CanReplayWhole => CanReplay && Volatile.Read(ref _ended);

    /// <summary>The request's body, or null where it has none; nothing is read yet, so that <c>Expect: 100-continue</c> goes on waiting.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxReplayBytes">How much is recorded; 0 for nothing.</param>
    /// <param name="memory">What all recordings share.</param>
    public static RequestBody? Of(HttpContext context, int maxReplayBytes, ReplayMemory memory)
    {
        var detection = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestBodyDetectionFeature>();
        return detection?.CanHaveBody == true ? new(context.Request.BodyReader, context.Request.ContentLength, maxReplayBytes, memory) : null;
    }

    /// <summary>Copies the body to an upstream: what was recorded, then the rest as it arrives; what there is goes out before more is waited for.</summary>
    /// <param name="destination">The upstream's end.</param>
    /// <param name="attempt">Whose idle timer runs meanwhile.</param>
    /// <param name="cancellationToken">Ends the copying.</param>
    /// <exception cref="IOException">The client's message ended early or is malformed; <see cref="ClientError"/> says how.</exception>
    /// <exception cref="InvalidOperationException">A part that was not recorded is wanted again.</exception>
    public async Task CopyToAsync(Stream destination, Attempt attempt, CancellationToken cancellationToken)
    {
        if (!CanReplay)
        {
            throw new InvalidOperationException("The request's body was larger than what is kept of it, and cannot be sent again.");
        }

        if (_recorded > 0)
        {
            await destination.WriteAsync(_record.AsMemory(0, _recorded), cancellationToken);
        }

        var fairness = default(Fairness);
        while (!_ended)
        {
            var (part, waits) = TryRead();
            if (waits)
            {
                await destination.FlushAsync(cancellationToken);
                part = await ReadAsync(cancellationToken);
            }

            if (part.IsCanceled)
            {
                _reader.AdvanceTo(part.Buffer.Start);
                cancellationToken.ThrowIfCancellationRequested();
                continue; // meant for the attempt before
            }

            var length = part.Buffer.Length;
            try
            {
                // Recorded before it is sent: an upstream that dies in this very write must not cost the bytes.
                Record(part.Buffer);
                Volatile.Write(ref _bytesRead, _bytesRead + length);
                Volatile.Write(ref _ended, part.IsCompleted);
                foreach (var segment in part.Buffer)
                {
                    await destination.WriteAsync(segment, cancellationToken);
                }
            }
            finally
            {
                _reader.AdvanceTo(part.Buffer.End);
            }

            attempt.MovedIfIdleWatched();
            if (fairness.IsDue(length))
            {
                await Task.Yield();
            }
        }
    }

    /// <summary>What the client is told when its body could not be read; null where the client is gone.</summary>
    public ProxyError? ClientErrorAnswer() => ClientError switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => ProxyError.PayloadTooLarge,
        BadHttpRequestException => ProxyError.BadRequest,
        _ => null,
    };

    /// <summary>Gives the record back; nothing may be copying any more.</summary>
    public void Dispose() => DropRecord();

    private void Record(in ReadOnlySequence<byte> part)
    {
        if (_notRecorded || part.IsEmpty)
        {
            return;
        }

        var length = _recorded + part.Length;
        if (length > _maxReplayBytes || !Grow((int)length))
        {
            DropRecord();
            Volatile.Write(ref _notRecorded, true);
            return;
        }

        part.CopyTo(_record.AsSpan(_recorded));
        _recorded = (int)length;
    }

    private bool Grow(int length)
    {
        if (_record?.Length >= length)
        {
            return true;
        }

        // A small body's record is no larger than it needs to be; of a large one nobody knows whether it will all come.
        var larger = Rent((int)Math.Max(Math.Min(_declared ?? SmallestRecord, SmallestRecord), length));
        if (!_memory.TryTake(larger.Length))
        {
            GiveBack(larger);
            return false;
        }

        _record?.AsSpan(0, _recorded).CopyTo(larger);
        var recorded = _recorded;
        DropRecord();
        (_record, _recorded) = (larger, recorded);
        return true;
    }

    private void DropRecord()
    {
        if (_record is { } record)
        {
            _record = null;
            _recorded = 0;
            _memory.Return(record.Length);
            GiveBack(record);
        }
    }

    private static byte[] Rent(int length) =>
        length <= LargestPooled ? ArrayPool<byte>.Shared.Rent(length) : GC.AllocateUninitializedArray<byte>((int)BitOperations.RoundUpToPowerOf2((uint)length));

    private static void GiveBack(byte[] record)
    {
        if (record.Length <= LargestPooled)
        {
            ArrayPool<byte>.Shared.Return(record);
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

    // Cancelled the pipe's own way: after a read that was cancelled by its token, the server's reader takes itself for being read for ever.
    private async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), _reader);
        try
        {
            return await _reader.ReadAsync(CancellationToken.None);
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
}
