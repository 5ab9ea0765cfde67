namespace ResilientProxy.Telemetry;

/// <summary>Where the lines go. Used by one thread, which may be kept waiting.</summary>
internal interface IAccessLogSink : IDisposable
{
    /// <summary>Writes whole lines; after an exception the next call starts afresh.</summary>
    void Write(ReadOnlySpan<byte> lines);
}

/// <summary>Lines into a stream that is somebody else's, as standard output is.</summary>
internal sealed class StreamSink(Stream stream) : IAccessLogSink
{
    public void Write(ReadOnlySpan<byte> lines)
    {
        stream.Write(lines);
        stream.Flush();
    }

    public void Dispose()
    {
        // The stream outlives us: its owner closes it.
    }
}

/// <summary>Lines appended to a file that is rotated by size: <c>path</c>, then <c>path.1</c>, the youngest, up to <c>path.4</c>.</summary>
/// <param name="path">The file; its folder is made if it is missing.</param>
/// <param name="maxBytes">Size above which the file is rotated before the next lines.</param>
/// <param name="open">Opens the file to read and write, without truncating it; replaced in tests.</param>
internal sealed class RollingFileSink(string path, long maxBytes = RollingFileSink.DefaultMaxBytes, Func<string, Stream>? open = null) : IAccessLogSink
{
    public const long DefaultMaxBytes = 100L << 20;

    /// <summary>Files kept, the one being written included.</summary>
    public const int KeptFiles = 5;

    private readonly Func<string, Stream> _open = open ?? OpenFile;
    private Stream? _stream;

    public void Write(ReadOnlySpan<byte> lines)
    {
        try
        {
            _stream ??= Open();

            // Asked each time, not remembered: somebody may truncate the file under us, as logrotate's copytruncate does.
            var length = _stream.Seek(0, SeekOrigin.End);
            if (length > 0 && length + lines.Length > maxBytes)
            {
                Close();
                Rotate();
                _stream = Open();
            }

            _stream.Write(lines);
            _stream.Flush();
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Dispose() => Close();

    private Stream Open()
    {
        var stream = _open(path);

        // A full disk or a crash may have cut the last line short: the next one must not be glued to it.
        if (stream.Length > 0)
        {
            stream.Seek(-1, SeekOrigin.End);
            if (stream.ReadByte() != '\n')
            {
                stream.WriteByte((byte)'\n');
            }
        }

        return stream;
    }

    private void Rotate()
    {
        for (var number = KeptFiles - 2; number >= 0; number--)
        {
            var from = number == 0 ? path : $"{path}.{number}";
            if (File.Exists(from))
            {
                File.Move(from, $"{path}.{number + 1}", overwrite: true);
            }
        }
    }

    private void Close()
    {
        // Forgotten first: closing may fail like writing did.
        var stream = _stream;
        _stream = null;
        stream?.Dispose();
    }

    private static FileStream OpenFile(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        // No buffer: lines come in batches, and what was written must be in the file when a batch is done.
        return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }
}
