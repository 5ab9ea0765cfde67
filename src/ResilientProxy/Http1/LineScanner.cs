namespace ResilientProxy.Http1;

/// <summary>Finds where a block of lines (a head, or trailers) ends, as its bytes come in: at the first empty line.</summary>
internal struct LineScanner
{
    private int _scanned;
    private int _lineStart;

    /// <summary>Bytes up to which all lines are whole.</summary>
    public readonly int WholeLines => _lineStart;

    /// <summary>Looks at what has come in since the last look.</summary>
    /// <param name="block">Everything from the block's first byte on.</param>
    /// <param name="length">The bytes of the block, its empty line included.</param>
    /// <returns>Whether the empty line is there.</returns>
    /// <exception cref="MalformedAnswerException">A line ends without CR: one reader takes it for two lines, another for one (RFC 9112 section 2.2).</exception>
    public bool TryFindEnd(ReadOnlySpan<byte> block, out int length)
    {
        while (true)
        {
            var index = block[_scanned..].IndexOf((byte)'\n');
            if (index < 0)
            {
                _scanned = block.Length;
                length = 0;
                return false;
            }

            var end = _scanned + index;
            if (end == _lineStart || block[end - 1] != '\r')
            {
                throw new MalformedAnswerException("a line ends without CR");
            }

            _scanned = end + 1;
            var isEmpty = end - 1 == _lineStart;
            _lineStart = _scanned;
            if (isEmpty)
            {
                length = _scanned;
                return true;
            }
        }
    }
}
