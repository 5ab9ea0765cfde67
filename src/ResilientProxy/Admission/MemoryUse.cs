using System.Globalization;

namespace ResilientProxy.Admission;

/// <summary>How much of the memory it may have the process takes.</summary>
/// <remarks>
/// Its own resident memory, not all that the container's group counts: files in the page cache can be given back, and another process's
/// memory is not won by refusing our clients. The limit is the group's; the runtime's own figure is the managed heap's limit, three
/// quarters of it.
/// </remarks>
internal static class MemoryUse
{
    // Version 2, then version 1. "max", or a number beyond the machine's memory, is no limit.
    private static readonly string[] LimitFiles = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

    private const string MemoryFile = "/proc/meminfo";

    /// <summary>The share taken, 0 to 1 and beyond.</summary>
    public static double Ratio()
    {
        var heap = GC.GetGCMemoryInfo();

        // Not the heap's own limit, where one is set: resident memory is more than the heap.
        var limit = ContainerLimit(LimitFiles) ?? MachineMemory(MemoryFile) ?? heap.TotalAvailableMemoryBytes;
        return Ratio(Environment.WorkingSet, limit, heap.HeapSizeBytes, heap.TotalAvailableMemoryBytes);
    }

    /// <summary>The larger of the process's share of its limit and the managed heap's of its own.</summary>
    /// <param name="resident">Resident memory, in bytes.</param>
    /// <param name="limit">What the process may have.</param>
    /// <param name="heap">The managed heap after its last collection.</param>
    /// <param name="heapLimit">What that may have.</param>
    public static double Ratio(long resident, long limit, long heap, long heapLimit) =>
        Math.Max(limit > 0 ? (double)resident / limit : 0, heapLimit > 0 ? (double)heap / heapLimit : 0);

    /// <summary>The machine's memory in bytes; null where the system does not say.</summary>
    /// <param name="file">Where it stands: "MemTotal:       16305768 kB".</param>
    public static long? MachineMemory(string file) =>
        File.Exists(file)
        && File.ReadLines(file).FirstOrDefault(static line => line.StartsWith("MemTotal:", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var kilobytes, "kB"]
        && long.TryParse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            ? size * 1024
            : null;

    /// <summary>The container's limit in bytes; null where there is none.</summary>
    /// <param name="files">Where it may stand; the first one that exists counts.</param>
    public static long? ContainerLimit(IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            if (File.Exists(file))
            {
                return long.TryParse(File.ReadAllText(file).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit < 1L << 60
                    ? limit
                    : null;
            }
        }

        return null;
    }
}
