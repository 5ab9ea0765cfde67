using System.Numerics;

namespace ResilientProxy.Telemetry;

/// <summary>A sum that many cores add to without waiting for each other: one cell per core, added up when read.</summary>
/// <remarks>
/// A thread may move to another core between choosing its cell and adding, so the add stays interlocked; it is cheap because
/// the cell's cache line is almost always this core's own. The cells come with the first add: most of the series of a config with
/// thousands of routes never count anything. It is a mutable struct: keep it in a field that is not readonly.
/// </remarks>
internal struct StripedSum
{
    /// <summary>Cells in use, a power of two; more than 32 would cost memory and gain nothing measurable.</summary>
    public static readonly int Stripes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 1, 32));

    /// <summary>128 bytes in longs: two cache lines, because processors fetch them in pairs.</summary>
    public const int Padding = 16;

    // The first padding keeps the first cell off the line that holds the array's length. Null before the first add.
    private long[]? _cells;

    /// <summary>The stripe of the core this thread runs on.</summary>
    public static int Current => Thread.GetCurrentProcessorId() & (Stripes - 1);

    public void Add(long amount) => Interlocked.Add(ref (Volatile.Read(ref _cells) ?? CellsOf(ref _cells, Padding * (Stripes + 1)))[Padding * (Current + 1)], amount);

    /// <summary>The cells, made now by whoever comes first.</summary>
    /// <param name="cells">Where they are kept.</param>
    /// <param name="length">How many there are.</param>
    public static long[] CellsOf(ref long[]? cells, int length) => Interlocked.CompareExchange(ref cells, new long[length], null) ?? cells;

    /// <summary>The sum; adds that run meanwhile may or may not be in it, and nothing is ever counted twice.</summary>
    public long Read()
    {
        if (Volatile.Read(ref _cells) is not { } cells)
        {
            return 0;
        }

        long sum = 0;
        for (var cell = Padding; cell < cells.Length; cell += Padding)
        {
            sum += Volatile.Read(ref cells[cell]);
        }

        return sum;
    }
}
