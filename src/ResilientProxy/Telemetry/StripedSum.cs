using System.Numerics;

namespace ResilientProxy.Telemetry;

/// <summary>A sum that many cores add to without waiting for each other: one cell per core, added up when read.</summary>
/// <remarks>
/// A thread may move to another core between choosing its cell and adding, so the add stays interlocked; it is cheap because
/// the cell's cache line is almost always this core's own.
/// </remarks>
internal readonly struct StripedSum()
{
    /// <summary>Cells in use, a power of two; more than 32 would cost memory and gain nothing measurable.</summary>
    public static readonly int Stripes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 1, 32));

    /// <summary>128 bytes in longs: two cache lines, because processors fetch them in pairs.</summary>
    public const int Padding = 16;

    // The first padding keeps the first cell off the line that holds the array's length.
    private readonly long[] _cells = new long[Padding * (Stripes + 1)];

    /// <summary>The stripe of the core this thread runs on.</summary>
    public static int Current => Thread.GetCurrentProcessorId() & (Stripes - 1);

    public void Add(long amount) => Interlocked.Add(ref _cells[Padding * (Current + 1)], amount);

    /// <summary>The sum; adds that run meanwhile may or may not be in it, and nothing is ever counted twice.</summary>
    public long Read()
    {
        long sum = 0;
        for (var cell = Padding; cell < _cells.Length; cell += Padding)
        {
            sum += Volatile.Read(ref _cells[cell]);
        }

        return sum;
    }
}
