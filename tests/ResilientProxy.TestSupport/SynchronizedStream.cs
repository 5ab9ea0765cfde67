using System.Text;

namespace ResilientProxy.TestSupport;

/// <summary>A stream in memory that may be read while it is written.</summary>
public sealed class SynchronizedStream : MemoryStream
{
    private readonly Lock _lock = new();

    /// <summary>The whole lines so far.</summary>
    public IReadOnlyList<string> Lines()
    {
        lock (_lock)
        {
            var text = Encoding.UTF8.GetString(GetBuffer(), 0, (int)Length);
            return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        lock (_lock)
        {
            base.Write(buffer, offset, count);
        }
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }
}
